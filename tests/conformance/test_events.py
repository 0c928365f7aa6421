"""Events: tried again when the function fails, and waiting while there is no room."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.lambda_api import eventually
from tests.support.lambda_functions import SLEEP

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

    eventually(lambda: len(starts()) == attempts, within_s=600 if on_aws else 10)
    time.sleep(130 if on_aws else 0.3)  # there is no other

    assert starts() == [request_id] * attempts


@pytest.mark.fact(
    "LocalStack test_reserved_concurrency_async_queue, recorded 2025-11: throttled "
    "events wait"
)
def test_an_event_waits_for_room(lines_of, deploy, reserve, on_aws):
    """On AWS this takes up to a minute."""
    function = deploy(
        "import time\n"
        "def run(event, context):\n"
        "    time.sleep(event['sleep'])\n"
        "    print(event['say'])\n",
        Timeout=10,
    )
    reserve(function, 1)
    for word in ("one", "two", "three"):
        event = b'{"sleep": %d, "say": "%s"}' % (on_aws, word.encode())
        answer = function.call(InvocationType="Event", Payload=event)
        assert answer["StatusCode"] == 202

    assert eventually(
        lambda: {"one", "two", "three"} <= set(lines_of(function)),
        within_s=120 if on_aws else 10,
    )


@pytest.mark.fact(
    "LocalStack test_async_invoke_queue_upon_function_update, validated 2025-03"
)
def test_an_event_that_waits_runs_on_the_code_there_is_then(
    deploy, reserve, lines_of, a_while_s, on_aws
):
    """On AWS this takes up to a minute."""
    function = deploy(SLEEP, Timeout=20)
    reserve(function, 1)
    function(0)
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(function, 2 * a_while_s)
        time.sleep(a_while_s / 2)  # it runs by then: the function is warm
        function.call(InvocationType="Event", Payload=b"1")
        function.recode("def run(event, context): print('new code')\n")
        _, error = running.result()

    assert error is None
    assert eventually(
        lambda: "new code" in lines_of(function), within_s=120 if on_aws else 10
    )
