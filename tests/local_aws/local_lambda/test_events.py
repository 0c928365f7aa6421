"""Events: what they wait for, when they are tried again, and when they are dropped."""

import contextlib
import time
import types

import pytest
from tests.support.lambda_api import connect, create, eventually, running
from tests.support.lambda_functions import GATE

from local_aws.local_lambda.runtime import admission

NOTE = "def run(event, context): open(event, 'a').write('x')\n"
# Fails once there is a file "gate" beside the one where it notes its call.
NOTE_AND_FAIL = (
    "import pathlib, time\n"
    "def run(event, context):\n"
    "    open(event, 'a').write('x')\n"
    "    while not pathlib.Path(event).with_name('gate').exists(): time.sleep(0.005)\n"
    "    raise RuntimeError('again')\n"
)


@pytest.fixture(scope="module")
def crowded():
    """A client of an endpoint where one execution may run; functions gate and note."""
    with (
        running(account_concurrency=1) as aws,
        contextlib.closing(connect(aws)) as client,
    ):
        yield create(client, "gate", GATE), create(client, "note", NOTE)


@pytest.fixture
def a_minute_later(monkeypatch):
    """Let it be a minute later for the events that wait, from when that is called."""
    later = types.SimpleNamespace(monotonic=lambda: time.monotonic() + 61)
    return lambda: monkeypatch.setattr(admission, "time", later)


def test_an_event_that_became_too_old_is_dropped(
    crowded, shared_folder, a_minute_later
):
    function, note = crowded
    old, young, gate = (shared_folder / name for name in ("old", "young", "gate"))
    note.publish_version()
    note.put_function_event_invoke_config(MaximumEventAgeInSeconds=60)
    function.send(gate)
    eventually(gate.with_suffix(".entered").exists)
    note.send(old)
    note.send(young, Qualifier="1")  # has no such limit
    a_minute_later()
    gate.touch()
    eventually(young.exists)

    assert not old.exists()


def test_an_event_that_became_too_old_is_not_tried_again(
    deploy, shared_folder, a_minute_later
):
    limited, unlimited = shared_folder / "limited", shared_folder / "unlimited"
    function = deploy(NOTE_AND_FAIL, Timeout=30)
    function.publish_version()
    function.put_function_event_invoke_config(MaximumEventAgeInSeconds=60)
    function.send(limited)
    function.at("1").send(unlimited)
    eventually(lambda: limited.exists() and unlimited.exists())
    a_minute_later()
    (shared_folder / "gate").touch()
    eventually(lambda: unlimited.read_text() == "xxx")

    assert limited.read_text() == "x"


def test_events_of_a_function_with_nothing_reserved_are_dropped(deploy, shared_folder):
    """AWS hands them to the dead-letter queue, which is not modelled."""
    function = deploy(NOTE)
    dropped, kept = shared_folder / "dropped", shared_folder / "kept"
    function.reserve(0)
    function.send(dropped)
    function.delete_function_concurrency()
    function.send(kept)
    eventually(kept.exists)

    assert not dropped.exists()


def test_an_event_runs_what_its_alias_stands_for_when_its_turn_comes(
    deploy, shared_folder
):
    function = deploy(GATE)
    function.reserve(1)
    function.publish_version()
    function.recode(NOTE)
    function.publish_version()
    for alias in ("moved", "gone"):
        function.alias(alias, "1")
    gate, note, lost = (shared_folder / name for name in ("gate", "note", "lost"))
    function.at("1").send(gate)
    eventually(gate.with_suffix(".entered").exists)
    function.at("gone").send(lost)
    function.at("moved").send(note)
    function.update_alias(Name="moved", FunctionVersion="2")
    function.delete_alias(Name="gone")
    gate.touch()
    eventually(lambda: note.exists() and note.read_text())

    assert note.read_text() == "x"
    assert not lost.with_suffix(".entered").exists()
