"""Calls: what an answer says, and how a call is sent."""

import asyncio
import json
import resource
import socket
import time

import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from tests.support.invokers import call, call_stub, fine

from rollout.deploy.deployment import FunctionSpec, deploy, destroy
from rollout.errors import InvokeError, SettingError
from rollout.invoke import connections
from rollout.invoke.invoker import Invoker

CODE = """
import time

def handler(event, context):
    if "fail" in event:
        raise ValueError(event["fail"])
    time.sleep(event.get("sleep_s", 0))
    return {"event": event, "arn": context.invoked_function_arn}
"""


@pytest.fixture(scope="module")
def function(target, zip_of):
    spec = FunctionSpec(name="t-invoke", handler="main.handler", timeout_s=30)
    deploy(target, spec, code=zip_of(CODE))
    yield spec.name
    destroy(target, spec.name)


def test_an_answer_says_what_when_and_who(target, function):
    """However large, and under whichever name the function is called."""
    event, name = {"a": "ü", "text": "x" * 2_000_000}, f"{function}:$LATEST"
    before = time.time()
    answer = call(target, name, event)

    payload = json.loads(answer.payload)
    assert payload["event"] == event
    assert payload["arn"].endswith(name)
    assert answer.function_error is None
    assert len(answer.request_id) == 36
    assert answer.throttles == 0
    assert before <= answer.sent_at <= answer.answered_at <= time.time()


def test_a_failing_function_is_an_answer_not_an_exception(target, function):
    """It ran and was paid for: what it says is data."""
    answer = call(target, function, {"fail": "on purpose"})

    assert answer.function_error == "Unhandled"
    assert json.loads(answer.payload)["errorMessage"] == "on purpose"


def test_an_unknown_function_is_refused_in_awss_words(target):
    message = "no-such-function was not invoked: 404 .*Function not found"
    with pytest.raises(InvokeError, match=message) as caught:
        call(target, "no-such-function", {})

    assert caught.value.code == "ResourceNotFoundException"
    assert caught.value.status == 404


@pytest.fixture
def reserve(target, function):
    """Reserve executions for the function, until the test ends."""
    client = target.client("lambda")
    yield lambda executions: client.put_function_concurrency(
        FunctionName=function, ReservedConcurrentExecutions=executions
    )
    client.delete_function_concurrency(FunctionName=function)


def test_a_throttled_call_is_made_again_until_it_is_accepted(target, function, reserve):
    """A second call while the only execution is busy comes through once it is free."""

    async def both():
        async with Invoker(target) as invoker:
            calls = [invoker.invoke(function, b'{"sleep_s": 1}') for _ in range(2)]
            return await asyncio.gather(*calls)

    reserve(1)
    first, last = sorted(answer.throttles for answer in asyncio.run(both()))

    assert first == 0
    assert last >= 1


def test_a_call_that_stays_throttled_is_given_up_in_time(target, function, reserve):
    reserve(0)
    with pytest.raises(InvokeError, match="ReservedFunctionConcurrent") as caught:
        call(target, function, {}, accepted_within_s=0.3)

    assert (caught.value.status, caught.value.code) == (429, "TooManyRequestsException")


def test_requests_are_signed_as_aws_wants_it(target):
    """The signature covers path, payload and address as they arrive."""
    stub, _ = call_stub(target, fine, payload=b'{"a": 1}', name="name:live")
    ((request, body),) = stub.seen
    sent = request.headers["Authorization"]

    covered = sent.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    again = AWSRequest("POST", str(request.url), data=body)
    for name in covered:
        again.headers[name] = request.headers[name]
    again.context["timestamp"] = request.headers["X-Amz-Date"]
    signer = SigV4Auth(target.credentials(), "lambda", target.region)
    signature = signer.signature(
        signer.string_to_sign(again, signer.canonical_request(again)), again
    )

    assert {"host", "x-amz-date"} <= set(covered)
    assert request.raw_path.endswith("/functions/name%3Alive/invocations")
    assert sent.endswith(f"Signature={signature}")


def test_connections_are_kept_alive_while_a_function_works(target, monkeypatch):
    """A router that forgets a silent connection would lose every long invocation."""
    made = []
    real = connections._kept_alive

    def kept(address):
        made.append(real(address))
        return made[-1]

    monkeypatch.setattr(connections, "_kept_alive", kept)
    options = []

    async def look(_):
        options.extend(
            one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) for one in made
        )
        return web.Response(body=b"{}")

    call_stub(target, look)

    assert options
    assert all(options)


@pytest.fixture
def few_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_calls_get_their_sockets(target, few_descriptors):
    """On macOS a process starts with 256 descriptors."""

    async def opened(in_flight):
        async with Invoker(target, in_flight=in_flight):
            return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    assert asyncio.run(opened(1_000)) > 1_000
    with pytest.raises(SettingError, match="fewer calls in flight"):
        asyncio.run(opened(few_descriptors))


@pytest.mark.soak
def test_soak_1200_calls_a_second_through_the_local_lambda(target, function):
    many, in_flight = 10_000, 100

    async def run():
        async with Invoker(target, in_flight=in_flight) as invoker:
            payload = json.dumps({"text": "x" * 980}).encode()

            async def calls(many):
                waiting = [invoker.invoke(function, payload) for _ in range(many)]
                return await asyncio.gather(*waiting)

            await calls(in_flight)
            began = time.monotonic()
            answers = await calls(many)
            return answers, time.monotonic() - began

    answers, took_s = asyncio.run(run())

    print(f"\n{many / took_s:,.0f} calls/s through the local Lambda")
    assert {answer.function_error for answer in answers} == {None}
    assert many / took_s >= 1_200
