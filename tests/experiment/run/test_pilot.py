"""A pilot that has run and finds that its run cannot be."""

from asyncio import run as wait_for
from dataclasses import replace

import pytest
from tests.support.plans import AWS, plan_of

from experiment.command.runner import _REFUSALS
from experiment.parameters.fan_out import FanOutSettings
from experiment.run import pilot
from experiment.run.stopping import Stopped, stoppable
from rollout.deploy.changes import DeployStopped


class Session:
    """Remembers what it was told to remove."""

    def __init__(self):
        self.stopped = []

    def stop(self, function=""):
        self.stopped.append(function)


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
def test_the_dollars_of_pilots_are_kept_with_the_plan():
    assert sized(dollars=100.0).pilot["usd"] == 1.0


@pytest.mark.usefixtures("measured")
def test_a_run_that_is_too_dear_after_its_pilot_is_no_refusal_before_any_work():
    with pytest.raises(pilot.PilotError, match="max_cost_usd") as raised:
        sized(dollars=0.9)

    assert raised.type.__name__ not in _REFUSALS


@pytest.mark.parametrize(("tear_down", "removed"), [(True, "mine"), (False, "")])
def test_a_failed_pilot_leaves_no_function_unless_it_is_to_stay(tear_down, removed):
    session = Session()
    settings = FanOutSettings(function="mine", tear_down=tear_down)

    with pytest.raises(pilot.PilotError), stoppable(None, session, settings):
        raise pilot.PilotError

    assert session.stopped == [removed]


def test_a_stopped_deployment_is_removed_and_says_in_one_line_what_became_of_it():
    session = Session()
    settings = FanOutSettings(function="mine")

    said = "the deployment was undone."

    with pytest.raises(Stopped) as stopped, stoppable(None, session, settings):
        raise DeployStopped(said)

    assert session.stopped == ["mine"]
    (line,) = stopped.value._render_traceback_()
    assert line == (
        "Stopped: the deployment was undone; nothing was measured yet; to start again: "
        "run all cells"
    )
