"""A pilot that has run and finds that its run cannot be."""

from asyncio import run as wait_for
from dataclasses import replace
from unittest.mock import Mock

import pytest
from tests.support.plans import AWS, plan_of

from experiment.command.notebook_runner import _REFUSALS
from experiment.parameters.fan_out import FanOutSettings
from experiment.run import pilot
from experiment.run.interruption import Stopped, stoppable
from rollout.deploy.rollback import DeployStopped
from rollout.errors import DeployError


def session_with(*found):
    """A session that finds so much to remove."""
    return Mock(**{"stop.side_effect": lambda function: list(found) * bool(function)})


@pytest.fixture
def measured(monkeypatch):
    """Let each pilot take half a second and a dollar, and the target take all."""

    async def half_a_second(*_):
        return 100_000.0, 0.5, 1.0

    monkeypatch.setattr(pilot, "_measured", half_a_second)
    monkeypatch.setattr(pilot.checks, "check", lambda *_: [])
    monkeypatch.setattr(pilot, "deploy", lambda *_: None)


def sized(dollars):
    plan = plan_of(duration_s=2.0, max_cost_usd=dollars)
    return wait_for(pilot.sized(replace(plan, is_pilot=True), AWS))


@pytest.mark.usefixtures("measured")
def test_the_dollars_of_pilots_are_kept_and_too_many_are_no_refusal_before_any_work():
    assert sized(dollars=100.0).pilot["usd"] == 1.0
    with pytest.raises(pilot.PilotError, match="max_cost_usd") as raised:
        sized(dollars=0.9)

    assert raised.type.__name__ not in _REFUSALS


@pytest.mark.parametrize(("tear_down", "removed"), [(True, "mine"), (False, "")])
def test_a_failed_pilot_leaves_no_function_unless_it_is_to_stay(tear_down, removed):
    session = session_with()
    settings = FanOutSettings(function="mine", tear_down=tear_down)

    with pytest.raises(pilot.PilotError), stoppable(None, session, settings):
        raise pilot.PilotError

    session.stop.assert_called_once_with(removed)


UNDONE = "the deployment was undone"
STARTS_AGAIN = "nothing was measured yet; to start again: run all cells"
CHANGED = "changed function mine: MemorySize; deploy again to complete it"


@pytest.mark.parametrize(
    ("said", "found", "tear_down", "told"),
    [
        (UNDONE, [], True, UNDONE),
        (CHANGED, ["function mine", "role r"], True, "removed function mine, role r"),
        (CHANGED, ["function mine", "role r"], False, CHANGED),
    ],
    ids=["a first deployment", "a change, torn down", "a change that is kept"],
)
def test_a_stopped_deployment_says_in_one_line_what_became_of_the_function(
    said, found, tear_down, told
):
    session = session_with(*found)
    settings = FanOutSettings(function="mine", tear_down=tear_down)

    with pytest.raises(Stopped) as stopped, stoppable(None, session, settings):
        raise DeployStopped(said)

    session.stop.assert_called_once_with("mine" if tear_down else "")
    (line,) = stopped.value._render_traceback_()
    assert line == f"Stopped: {told}; {STARTS_AGAIN}"


def test_a_failed_deployment_says_what_was_removed():
    with (
        pytest.raises(DeployError) as failed,
        stoppable(None, session_with("function mine"), FanOutSettings(function="mine")),
    ):
        raise DeployError

    assert failed.value.__notes__ == ["removed function mine"]
