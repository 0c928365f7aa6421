import asyncio
import json
import resource
import socket
import time

import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from tests.lambda_stub import lambda_stub, what_came

from rollout import connections
from rollout.errors import InvocationLost, InvokeError, SettingError
from rollout.invoke import Invoker
from rollout.target import Target
from rollout.worker import Worker, deploy, destroy

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
    worker = Worker(name="t-invoke", handler="main.handler", timeout_s=30)
    deploy(target, worker, code=zip_of(CODE))
    yield worker.name
    destroy(target, worker.name)


class Lambda:
    """
    A stand-in for Lambda's API that answers what a test wants.
    """

    def __init__(self, answer):
        self.answer = answer
        self.seen = []
        self.in_flight = self.most_in_flight = 0

    async def handle(self, request):
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            self.seen.append((request, await request.read()))
            return await self.answer(request)
        finally:
            self.in_flight -= 1

    async def start(self, listener):
        app = web.Application(client_max_size=10**7)
        app.router.add_route("*", "/{path:.*}", self.handle)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self.runner.setup()
        await web.SockSite(self.runner, listener).start()


def at(target, url):
    """
    The same target at another address, without asking who is there.
    """
    return Target(target.name, url, target.region, target._session)


def call(target, name, payload, **options):
    async def once():
        async with Invoker(target) as invoker:
            return await invoker.invoke(name, json.dumps(payload).encode(), **options)

    return asyncio.run(once())


def call_stub(target, answer, many=1, *, in_flight=100, payload=b"{}", name="f"):
    stub = Lambda(answer)

    async def run():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await stub.start(listener)
            there = at(target, f"http://127.0.0.1:{listener.getsockname()[1]}")
            try:
                async with Invoker(there, in_flight=in_flight) as invoker:
                    calls = [invoker.invoke(name, payload) for _ in range(many)]
                    return await asyncio.gather(*calls, return_exceptions=True)
            finally:
                await stub.runner.cleanup()

    return stub, asyncio.run(run())


async def run_through(target, url, *, many, in_flight, **options):
    """Call the stub with different payloads of 1 kB; each is answered with itself."""
    answers = []

    async def call_until_none_is_left():
        for number in numbers:
            payload = b'{"number": %d}' % number + b" " * 980
            answers.append(await invoker.invoke("f", payload, **options))
            assert answers[-1].payload == payload

    numbers = iter(range(many))
    async with Invoker(at(target, url), in_flight=in_flight) as invoker:
        await asyncio.gather(*(call_until_none_is_left() for _ in range(in_flight)))
    return answers


async def fine(_):
    return web.Response(body=b"{}")


def test_an_answer_says_what_when_and_who(target, function):
    before = time.time()
    answer = call(target, function, {"a": "ü"})

    assert answer.status == 200
    assert json.loads(answer.payload)["event"] == {"a": "ü"}
    assert answer.function_error is None
    assert answer.executed_version == "$LATEST"
    assert len(answer.request_id) == 36
    assert answer.throttles == 0
    assert before <= answer.sent_at <= answer.answered_at <= time.time()


def test_a_failing_function_is_an_answer_not_an_exception(target, function):
    """
    It ran and was paid for: what it says is data.
    """
    answer = call(target, function, {"fail": "on purpose"})

    assert answer.function_error == "Unhandled"
    assert json.loads(answer.payload)["errorMessage"] == "on purpose"


def test_a_qualified_name_is_called_as_such(target, function):
    answer = call(target, f"{function}:$LATEST", {})

    assert json.loads(answer.payload)["arn"].endswith(f"{function}:$LATEST")


def test_large_payloads_go_through(target, function):
    text = "x" * 2_000_000
    answer = call(target, function, {"text": text})

    assert json.loads(answer.payload)["event"]["text"] == text


def test_an_unknown_function_is_refused_in_awss_words(target):
    with pytest.raises(InvokeError, match="Function not found") as caught:
        call(target, "no-such-function", {})

    assert caught.value.code == "ResourceNotFoundException"
    assert caught.value.status == 404


def test_a_throttled_call_is_made_again_until_it_is_accepted(target, function):
    """
    A second call while the only execution is busy comes through once that is free.
    """
    client = target.client("lambda")
    client.put_function_concurrency(
        FunctionName=function, ReservedConcurrentExecutions=1
    )

    async def both():
        async with Invoker(target) as invoker:
            calls = [invoker.invoke(function, b'{"sleep_s": 0.3}') for _ in range(2)]
            return await asyncio.gather(*calls)

    try:
        answers = asyncio.run(both())
    finally:
        client.delete_function_concurrency(FunctionName=function)

    throttles = sorted(answer.throttles for answer in answers)
    assert throttles[0] == 0
    assert throttles[1] >= 1


def test_a_call_that_stays_throttled_is_given_up_in_time(target, function):
    client = target.client("lambda")
    client.put_function_concurrency(
        FunctionName=function, ReservedConcurrentExecutions=0
    )

    try:
        with pytest.raises(InvokeError, match="ReservedFunctionConcurrent") as caught:
            call(target, function, {}, accepted_within_s=0.3)
    finally:
        client.delete_function_concurrency(FunctionName=function)

    assert caught.value.status == 429
    assert caught.value.code == "TooManyRequestsException"


@pytest.mark.parametrize(
    ("limits", "many"),
    [({"concurrency": 20, "takes_s": 0.02}, 400), ({"rate": 100}, 100)],
    ids=["too many", "too fast"],
)
def test_calls_turned_away_are_made_again_and_each_runs_once(target, limits, many):
    """
    Lambda turns away what is one too many at once, and what comes too fast.
    """
    with lambda_stub(**limits) as url:
        answers = asyncio.run(run_through(target, url, many=many, in_flight=100))
        came = what_came(url)

    assert came["accepted"] == many
    assert came["twice"] == 0
    assert sum(answer.throttles for answer in answers) == came["refused"] > 0
    assert came["most"] <= limits.get("concurrency", 100)


def test_after_a_call_was_turned_away_fewer_are_in_flight(target):
    """
    Calls that keep knocking would be most of the traffic: one in 20 gets in here.
    """
    with lambda_stub(concurrency=5, takes_s=0.02) as url:
        asyncio.run(run_through(target, url, many=200, in_flight=100))
        came = what_came(url)

    assert came["accepted"] == 200
    assert came["refused"] < 150


def test_lambda_says_how_long_it_wants_to_be_left_alone(target):
    async def first_not(_):
        if len(stub_times) == 0:
            stub_times.append(time.monotonic())
            return web.Response(status=429, headers={"Retry-After": "1"}, body=b"{}")
        stub_times.append(time.monotonic())
        return web.Response(body=b"{}")

    stub_times = []
    _, (answer,) = call_stub(target, first_not)
    first, second = stub_times

    assert answer.throttles == 1
    assert second - first >= 1


def test_waiting_for_a_turn_is_no_reason_to_give_up(target):
    """
    Calls that wait for longer ones of ours are not turned away by anybody.
    """
    with lambda_stub(concurrency=1, takes_s=0.3) as url:
        answers = asyncio.run(
            run_through(target, url, many=5, in_flight=5, accepted_within_s=0.5)
        )

    assert [answer.status for answer in answers] == [200] * 5


def test_without_a_connection_the_call_is_made_again(
    target, silent_socket, silent_url, monkeypatch
):
    """
    Nothing was sent, so nothing can run twice.
    """
    stub = Lambda(fine)
    attempts = []
    real = connections._kept_alive

    def listen_from_the_second_attempt_on(address):
        attempts.append(address)
        if len(attempts) == 2:
            attempts.append(asyncio.ensure_future(stub.start(silent_socket)))
        return real(address)

    monkeypatch.setattr(connections, "_kept_alive", listen_from_the_second_attempt_on)

    async def run():
        async with Invoker(at(target, silent_url)) as invoker:
            answer = await invoker.invoke("f", b"{}")
        await stub.runner.cleanup()
        return answer

    assert asyncio.run(run()).throttles == 0
    assert len(stub.seen) == 1


def test_nobody_there_is_given_up_in_time(target, silent_url):
    with pytest.raises(InvokeError, match="there is no connection") as caught:
        call(at(target, silent_url), "f", {}, accepted_within_s=0.2)

    assert (caught.value.code, caught.value.status) == ("Unreachable", 0)


def test_a_call_that_was_sent_is_never_made_again(target):
    """
    The function may have run: only the plan can say whether it may run twice.
    """

    async def hang_up(request):
        request.transport.abort()
        return web.Response()

    stub, (outcome,) = call_stub(target, hang_up)

    assert isinstance(outcome, InvocationLost)
    assert "The call of f was lost after" in str(outcome)
    assert len(stub.seen) == 1


def test_a_call_over_a_used_connection_is_never_made_again_either(target):
    """
    Clients repeat requests by themselves when a kept connection breaks.
    """

    async def hang_up_on_the_second(request):
        if len(stub_requests) == 1:
            request.transport.abort()
        stub_requests.append(request.transport)
        return web.Response(body=b"{}")

    stub_requests = []
    stub, (first, second) = call_stub(target, hang_up_on_the_second, 2, in_flight=1)

    assert first.status == 200
    assert isinstance(second, InvocationLost)
    assert len(stub.seen) == 2
    assert stub_requests[0] is stub_requests[1]


def test_half_an_answer_is_none(target):
    async def stop_half_way(request):
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        request.transport.abort()
        return response

    stub, (outcome,) = call_stub(target, stop_half_way)

    assert isinstance(outcome, InvocationLost)
    assert len(stub.seen) == 1


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"[]", b"\xff"])
def test_an_error_that_is_not_a_throttle_is_reported_at_once(target, body):
    """
    Also when it comes from a gateway in between, in words of its own.
    """

    async def fail(_):
        return web.Response(status=502, body=body)

    stub, (outcome,) = call_stub(target, fail)

    assert isinstance(outcome, InvokeError)
    assert (outcome.status, outcome.code) == (502, "")
    assert "502 Bad Gateway" in str(outcome)
    assert len(stub.seen) == 1


def test_no_more_calls_are_in_flight_than_wanted(target):
    async def slowly(_):
        await asyncio.sleep(0.02)
        return web.Response(body=b"{}")

    stub, outcomes = call_stub(target, slowly, many=60, in_flight=20)

    assert {outcome.status for outcome in outcomes} == {200}
    assert stub.most_in_flight == 20


def test_requests_are_signed_as_aws_wants_it(target):
    """
    The signature covers path, payload and address as they arrive.
    """
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
    """
    A router that forgets a silent connection would lose every long invocation.
    """
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
    """
    On macOS a process starts with 256 descriptors.
    """

    async def opened(in_flight):
        async with Invoker(target, in_flight=in_flight):
            return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    assert asyncio.run(opened(1_000)) > 1_000
    with pytest.raises(SettingError, match="fewer calls in flight"):
        asyncio.run(opened(few_descriptors))


# How fast


@pytest.mark.soak
def test_soak_one_core_dispatches_2500_calls_a_second(target):
    """
    Of 1 kB each, 1,000 in flight, against a server that costs nothing here.
    """
    many = 30_000
    with lambda_stub() as url:
        asyncio.run(run_through(target, url, many=1_000, in_flight=1_000))
        began, used = time.monotonic(), time.process_time()
        asyncio.run(run_through(target, url, many=many, in_flight=1_000))
        took_s, cpu_s = time.monotonic() - began, time.process_time() - used
        came = what_came(url)

    print(f"\n{many / took_s:,.0f} calls/s, {cpu_s / many * 1e6:.0f} us of CPU each")
    assert came["accepted"] == many + 1_000
    assert many / took_s >= 2_500


def test_a_thousand_in_flight_are_answered_each_once(target):
    with lambda_stub(takes_s=0.1) as url:
        asyncio.run(run_through(target, url, many=1_000, in_flight=1_000))
        came = what_came(url)

    assert (came["accepted"], came["twice"], came["refused"]) == (1_000, 0, 0)
    assert came["most"] > 100


@pytest.mark.soak
def test_soak_a_thousand_in_flight_for_ten_seconds_lose_and_double_nothing(target):
    """
    Fewer are allowed than wanted, so some of them are turned away all the time.
    """
    many = 20_000
    with lambda_stub(concurrency=700, takes_s=0.35) as url:
        began = time.monotonic()
        answers = asyncio.run(run_through(target, url, many=many, in_flight=1_000))
        took_s = time.monotonic() - began
        came = what_came(url)

    throttles = sum(answer.throttles for answer in answers)
    print(f"\n{many:,} calls in {took_s:.1f} s, {throttles:,} of them made again")
    assert took_s >= 10
    assert (came["accepted"], came["twice"]) == (many, 0)
    assert came["refused"] == throttles


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
