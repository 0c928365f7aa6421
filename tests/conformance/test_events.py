"""Events: tried again when the function fails, and waiting while there is no room."""

import re
import time

import pytest
from tests.support.lambda_api import eventually
from tests.support.lambda_functions import GATE

THREE_TIMES = pytest.mark.fact(
    "LocalStack test_lambda_destination_default_retries and "
    "test_request_id_async_invoke_with_retry, recorded 2024-04"
)
CONFIGURED = pytest.mark.fact("LocalStack test_retries, recorded 2025-11")


@pytest.mark.parametrize(
    ("configured", "attempts"),
    [
        pytest.param({}, 3, marks=THREE_TIMES),
        pytest.param({"MaximumRetryAttempts": 0}, 1, marks=CONFIGURED),
        pytest.param({"MaximumRetryAttempts": 1}, 2, marks=CONFIGURED),
    ],
)
def test_a_failing_event_is_tried_three_times_or_as_configured_under_one_id(
    lines_of, deploy, on_aws, configured, attempts
):
    """On AWS this takes up to five minutes."""
    function = deploy("def run(event, context): raise RuntimeError('again')\n")
    if configured:
        function.put_function_event_invoke_config(**configured)
    answer = function.call(InvocationType="Event")
    request_id = answer.request_id

    def starts():
        return re.findall(r"START RequestId: (\S+)", "\n".join(lines_of(function)))

    eventually(lambda: len(starts()) == attempts, within_s=600 if on_aws else 20)
    time.sleep(130 if on_aws else 0.3)  # there is no other

    assert starts() == [request_id] * attempts


@pytest.mark.fact(
    "LocalStack test_reserved_concurrency_async_queue, recorded 2025-11: throttled "
    "events wait"
)
def test_an_event_waits_for_room(lines_of, deploy, reserve, busy, on_aws):
    """On AWS this takes up to a minute."""
    say = "def say(event, context): print(event); run(event, context); print('end')\n"
    function = deploy(GATE + say, Handler="app.say", Timeout=60)
    reserve(function, 1)
    function(0)
    events = {"0.1", "0.2", "0.3"}
    with busy(function):
        for event in events:
            answer = function.call(InvocationType="Event", Payload=event)
            assert answer["StatusCode"] == 202
        time.sleep(0 if on_aws else 0.5)  # in which they would run, had they room
    eventually(
        lambda: events <= set(lines_of(function)), within_s=120 if on_aws else 20
    )
    lines = lines_of(function)
    before = lines[: min(map(lines.index, events))]

    assert before.count("end") == 2  # of both calls that came earlier


@pytest.mark.fact(
    "LocalStack test_async_invoke_queue_upon_function_update, validated 2025-03"
)
def test_an_event_that_waits_runs_on_the_code_there_is_then(
    deploy, reserve, lines_of, busy, on_aws
):
    """On AWS this takes up to a minute."""
    function = deploy(GATE, Timeout=60)
    reserve(function, 1)
    pid, _ = function(0)
    with busy(function) as running:
        function.call(InvocationType="Event", Payload=b"1")
        function.recode("def run(event, context): print('new code')\n")

    assert running.result() == (pid, None)
    assert eventually(
        lambda: "new code" in lines_of(function), within_s=120 if on_aws else 20
    )
