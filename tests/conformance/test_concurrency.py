"""Concurrency: environments, limits and throttled calls."""

import contextlib

import pytest
from tests.support.lambda_api import (
    RESERVED,
    connect,
    create,
    eventually,
    refusal_of,
    running,
)
from tests.support.lambda_functions import ECHO, GATE


@pytest.mark.fact(
    "AWS docs lambda-concurrency: an environment handles one request at a time"
)
def test_callers_at_once_get_an_environment_each(deploy, meeting):
    code, event_for = meeting
    code = "import os\nown = os.urandom(8).hex()\n" + code.replace("os.getpid()", "own")
    answers = deploy(code, Timeout=30).at_once([event_for(5)] * 5)

    assert len({own for own, error in answers if not error}) == 5


@pytest.mark.fact("LocalStack test_lambda_cache_local, recorded 2025-11")
def test_an_environment_that_is_free_is_used_again(deploy):
    """A process answers before it asks for work; that must not look like being busy."""
    function = deploy(
        "counter = -1\n"
        "def run(event, context):\n"
        "    global counter\n"
        "    counter += 1\n"
        "    return {'counter': counter}\n"
    )

    assert [function()[0]["counter"] for _ in range(20)] == list(range(20))


@pytest.mark.fact("LocalStack test_lambda_concurrency_crud, recorded 2025-11")
def test_reserved_concurrency_is_put_shown_and_deleted(deploy, reserve):
    function = deploy(ECHO)
    before = function.get_function_concurrency()
    reserve(function, 1)
    put = function.reserve(0)
    shown = function.get_function_concurrency()
    concurrency = function.get_function()["Concurrency"]
    deleted = function.delete_function_concurrency()
    after = function.get_function_concurrency()

    assert "ReservedConcurrentExecutions" not in before
    assert put["ReservedConcurrentExecutions"] == 0
    assert shown["ReservedConcurrentExecutions"] == 0
    assert concurrency == {"ReservedConcurrentExecutions": 0}
    assert deleted.status == 204
    assert "ReservedConcurrentExecutions" not in after


@pytest.fixture
def one_too_many(on_aws, shared_folder):
    """Make one call more of GATE at once than may run; return how calls are refused."""
    return lambda function, limit: function.refusals(
        limit + 1, limit, shared_folder / "gate", 1.5 if on_aws else None
    )


@pytest.mark.fact("LocalStack test_lambda_concurrency_block, recorded 2025-11")
def test_a_call_beyond_the_reserved_concurrency_is_throttled(
    deploy, reserve, one_too_many
):
    function = deploy(GATE, Timeout=30)
    reserve(function, 1)

    (refusal,) = one_too_many(function, 1)
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refusal["Error"]["Message"] == refusal["message"] == "Rate Exceeded."
    assert (refusal["Reason"], refusal["Type"]) == (RESERVED, "User")


@pytest.mark.fact("LocalStack test_reserved_concurrency, recorded 2025-11")
def test_a_function_with_nothing_reserved_is_switched_off(deploy):
    function = deploy(ECHO)
    function.reserve(0)
    refusal = refusal_of(function.invoke)
    event = function.call(InvocationType="Event")
    function.delete_function_concurrency()

    assert refusal["Error"]["Code"] == "TooManyRequestsException"
    assert refusal["Reason"] == RESERVED
    assert event["StatusCode"] == 202
    assert eventually(lambda: function.at_once([1]) == [(1, None)], within_s=30)


@pytest.mark.fact(
    "LocalStack test_function_concurrency_limits, recorded 2026-01; botocore "
    "lambda/2015-03-31, PutFunctionConcurrency: 100 must stay unreserved"
)
def test_a_hundred_executions_must_stay_unreserved(lambda_client, echo):
    limits = lambda_client.get_account_settings()["AccountLimit"]
    least = min(100, limits["ConcurrentExecutions"])
    wanted = limits["UnreservedConcurrentExecutions"] - least + 1
    status, code, message = echo.refused(
        "put_function_concurrency", ReservedConcurrentExecutions=wanted
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
@pytest.mark.usefixtures("echo")
def test_the_account_shows_its_limits(lambda_client, on_aws):
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
    on_aws, lambda_client, deploy, one_too_many
):
    """
    On AWS only in an account that has little of it, as new ones do: others would have
    to be filled.
    """
    limit = lambda_client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if not on_aws:
        with (
            running(account_concurrency=2) as aws,
            contextlib.closing(connect(aws)) as client,
        ):
            refusals = one_too_many(create(client, "little", GATE, Timeout=30), 2)
    elif limit <= 20:
        refusals = one_too_many(deploy(GATE, Timeout=30), limit)
    else:
        pytest.skip(f"the account may run {limit} at once")

    (refusal,) = refusals
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refusal["Reason"] == "ConcurrentInvocationLimitExceeded"
