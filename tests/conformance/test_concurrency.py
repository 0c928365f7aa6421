"""Concurrency: environments, limits and throttled calls."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.lambda_api import (
    ECHO,
    SLEEP,
    call,
    connect,
    eventually,
    invoke,
    refusal_of,
    refused,
    request_for,
    running,
)

RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"


@pytest.mark.fact(
    "AWS docs lambda-concurrency: an environment handles one request at a time"
)
def test_callers_at_once_get_an_environment_each(lambda_client, deploy):
    name = deploy(
        "import os, time\n"
        "own = os.urandom(8).hex()\n"
        "def run(event, context): time.sleep(1); return own\n"
    )
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: invoke(lambda_client, name)[0], range(5)))

    assert len(set(answers)) == 5


@pytest.mark.fact("LocalStack test_lambda_cache_local, recorded 2025-11")
def test_an_environment_that_is_free_is_used_again(lambda_client, deploy):
    name = deploy(
        "counter = -1\n"
        "def run(event, context):\n"
        "    global counter\n"
        "    counter += 1\n"
        "    return {'counter': counter}\n"
    )
    answers = [invoke(lambda_client, name)[0]["counter"] for _ in range(2)]

    assert answers == [0, 1]


@pytest.mark.fact("LocalStack test_lambda_concurrency_crud, recorded 2025-11")
def test_reserved_concurrency_is_put_shown_and_deleted(lambda_client, deploy, reserve):
    name = deploy(ECHO)
    before = lambda_client.get_function_concurrency(FunctionName=name)
    reserve(name, 1)
    put = lambda_client.put_function_concurrency(
        FunctionName=name, ReservedConcurrentExecutions=0
    )
    shown = lambda_client.get_function_concurrency(FunctionName=name)
    function = lambda_client.get_function(FunctionName=name)
    deleted = lambda_client.delete_function_concurrency(FunctionName=name)
    after = lambda_client.get_function_concurrency(FunctionName=name)

    assert "ReservedConcurrentExecutions" not in before
    assert put["ReservedConcurrentExecutions"] == 0
    assert shown["ReservedConcurrentExecutions"] == 0
    assert function["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "ReservedConcurrentExecutions" not in after


@pytest.mark.fact("LocalStack test_lambda_concurrency_block, recorded 2025-11")
def test_a_call_beyond_the_reserved_concurrency_is_throttled(
    lambda_client, deploy, reserve
):
    name = deploy(SLEEP, Timeout=10)
    reserve(name, 1)

    def attempt(_):
        try:
            return invoke(lambda_client, name, 1.5)
        except lambda_client.exceptions.TooManyRequestsException as error:
            return error.response

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(attempt, range(2)))
    refusals = [answer for answer in answers if isinstance(answer, dict)]

    (refusal,) = refusals
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refusal["Error"]["Message"] == refusal["message"] == "Rate Exceeded."
    assert (refusal["Reason"], refusal["Type"]) == (RESERVED, "User")


@pytest.mark.fact("LocalStack test_reserved_concurrency, recorded 2025-11")
def test_a_function_with_nothing_reserved_is_switched_off(lambda_client, deploy):
    name = deploy(ECHO)
    lambda_client.put_function_concurrency(
        FunctionName=name, ReservedConcurrentExecutions=0
    )
    refusal = refusal_of(lambda_client.invoke, FunctionName=name)
    event = call(lambda_client, name, InvocationType="Event")
    lambda_client.delete_function_concurrency(FunctionName=name)

    assert refusal["Error"]["Code"] == "TooManyRequestsException"
    assert refusal["Reason"] == RESERVED
    assert event["StatusCode"] == 202
    assert eventually(lambda: _is_on(lambda_client, name), within_s=30)


def _is_on(client, name):
    try:
        return invoke(client, name, 1) == (1, None)
    except client.exceptions.TooManyRequestsException:
        return False


@pytest.mark.fact(
    "LocalStack test_function_concurrency_limits, recorded 2026-01; botocore "
    "lambda/2015-03-31, PutFunctionConcurrency: 100 must stay unreserved"
)
def test_a_hundred_executions_must_stay_unreserved(lambda_client, deploy):
    name = deploy(ECHO)
    limits = lambda_client.get_account_settings()["AccountLimit"]
    unreserved = limits["UnreservedConcurrentExecutions"]
    least = min(100, limits["ConcurrentExecutions"])
    status, code, message = refused(
        lambda_client.put_function_concurrency,
        FunctionName=name,
        ReservedConcurrentExecutions=unreserved - least + 1,
    )

    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        f"UnreservedConcurrentExecution below its minimum value of [{least}]."
    )


@pytest.mark.fact(
    "LocalStack test_account_settings, recorded 2025-11; AWS docs "
    "gettingstarted-limits: 1,000 executions by default"
)
def test_the_account_shows_its_limits(lambda_client, deploy, on_aws):
    deploy(ECHO)
    settings = lambda_client.get_account_settings()
    limits, usage = settings["AccountLimit"], settings["AccountUsage"]

    assert limits["CodeSizeUnzipped"] == 262_144_000
    assert limits["CodeSizeZipped"] == 52_428_800
    assert limits["UnreservedConcurrentExecutions"] >= 0
    assert limits["UnreservedConcurrentExecutions"] <= limits["ConcurrentExecutions"]
    assert on_aws or limits["ConcurrentExecutions"] == 1_000
    assert usage["FunctionCount"] >= 1
    assert usage["TotalCodeSize"] > 0


@pytest.mark.fact("botocore lambda/2015-03-31, Invoke: the reasons of a 429")
def test_a_call_beyond_the_accounts_concurrency_is_throttled(
    on_aws, lambda_client, deploy
):
    """
    On AWS only in an account that has little of it, as new ones do: others would have
    to be filled.
    """
    limit = lambda_client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if not on_aws:
        with running(account_concurrency=2) as little:
            client = connect(little)
            client.create_function(**request_for("little", SLEEP, Timeout=10))
            client.get_waiter("function_active_v2").wait(FunctionName="little")
            refusals = _refusals_of_one_too_many(client, "little", 2)
            client.close()
    elif limit <= 20:
        refusals = _refusals_of_one_too_many(
            lambda_client, deploy(SLEEP, Timeout=10), limit
        )
    else:
        pytest.skip(f"the account may run {limit} at once")

    (refusal,) = refusals
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refusal["Reason"] == "ConcurrentInvocationLimitExceeded"


def _refusals_of_one_too_many(client, name, limit):
    def attempt(_):
        try:
            invoke(client, name, 1.5)
        except client.exceptions.TooManyRequestsException as error:
            return error.response

    with ThreadPoolExecutor(limit + 1) as threads:
        return [one for one in threads.map(attempt, range(limit + 1)) if one]
