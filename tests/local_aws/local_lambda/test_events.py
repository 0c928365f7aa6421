"""Events: what they wait for, when they are tried again, and when they are dropped."""

import json
import time
import types

import pytest
from tests.support.lambda_api import (
    GATE,
    call,
    connect,
    create,
    eventually,
    recode,
    running,
    send,
)

from local_aws.local_lambda.runtime import admission

NOTE = "def run(event, context): open(event, 'a').write('x')\n"
NOTE_AND_FAIL = (
    "def run(event, context):\n"
    "    open(event, 'a').write('x')\n"
    "    raise RuntimeError('again')\n"
)


def test_the_account_has_a_limit_and_events_wait_for_room(busy, shared_folder):
    with running(account_concurrency=1) as aws:
        client = connect(aws)
        create(client, "gate", GATE)
        late = shared_folder / "late"
        event = {"InvocationType": "Event", "Payload": json.dumps(str(late))}
        with busy(client, "gate"):
            with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
                call(client, "gate")
            accepted = call(client, "gate", **event)
            ran_early = late.with_suffix(".entered").exists()
        eventually(late.with_suffix(".entered").exists)
        client.close()

    assert caught.value.response["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert accepted["StatusCode"] == 202
    assert not ran_early


def test_an_event_that_became_too_old_is_dropped(monkeypatch, shared_folder):
    old, young, gate = (shared_folder / name for name in ("old", "young", "gate"))
    with running(account_concurrency=1) as aws:
        client = connect(aws)
        for name, code in (("gate", GATE), ("note", NOTE)):
            create(client, name, code)
        client.publish_version(FunctionName="note")
        client.put_function_event_invoke_config(
            FunctionName="note", MaximumEventAgeInSeconds=60
        )
        send(client, "gate", gate)
        eventually(gate.with_suffix(".entered").exists)
        send(client, "note", old)
        send(client, "note", young, Qualifier="1")  # has no such limit
        later = types.SimpleNamespace(monotonic=lambda: time.monotonic() + 61)
        monkeypatch.setattr(admission, "time", later)
        gate.touch()
        eventually(young.exists)
        client.close()

    assert not old.exists()


def test_an_event_that_became_too_old_is_not_tried_again(monkeypatch, shared_folder):
    limited, unlimited = shared_folder / "limited", shared_folder / "unlimited"
    fast = types.SimpleNamespace(monotonic=lambda: 100 * time.monotonic())
    monkeypatch.setattr(admission, "time", fast)
    with running(event_retry_delays_s=(0.7, 0.1)) as aws:
        client = connect(aws)
        create(client, "f", NOTE_AND_FAIL)
        client.publish_version(FunctionName="f")
        client.put_function_event_invoke_config(
            FunctionName="f", MaximumEventAgeInSeconds=60
        )
        send(client, "f", limited)
        send(client, "f:1", unlimited)
        eventually(lambda: unlimited.exists() and unlimited.read_text() == "xxx")
        client.close()

    assert limited.read_text() == "x"


def test_events_of_a_function_with_nothing_reserved_are_dropped(
    client, deploy, shared_folder
):
    """AWS hands them to the dead-letter queue, which is not modelled."""
    name = deploy(NOTE)
    dropped, kept = shared_folder / "dropped", shared_folder / "kept"
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(client, name, dropped)
    client.delete_function_concurrency(FunctionName=name)
    send(client, name, kept)
    eventually(kept.exists)

    assert not dropped.exists()


def test_an_event_runs_what_its_alias_stands_for_when_its_turn_comes(
    client, deploy, shared_folder
):
    name = deploy(GATE)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    client.publish_version(FunctionName=name)
    recode(client, name, NOTE)
    client.publish_version(FunctionName=name)
    for alias in ("moved", "gone"):
        client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
    gate, note, lost = (shared_folder / name for name in ("gate", "note", "lost"))
    send(client, f"{name}:1", gate)
    eventually(gate.with_suffix(".entered").exists)
    send(client, f"{name}:gone", lost)
    send(client, f"{name}:moved", note)
    client.update_alias(FunctionName=name, Name="moved", FunctionVersion="2")
    client.delete_alias(FunctionName=name, Name="gone")
    gate.touch()
    eventually(lambda: note.exists() and note.read_text())

    assert note.read_text() == "x"
    assert not lost.with_suffix(".entered").exists()
