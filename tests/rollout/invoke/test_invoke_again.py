"""Calls that are turned away, lost or many: made again, but never twice."""

import asyncio
import time
from dataclasses import replace

import pytest
from aiohttp import web
from tests.support.invokers import Lambda, at, call, call_stub, fine, run_through
from tests.support.lambda_stub import lambda_stub
from tests.support.stub_process import what_came

from rollout.errors import InvocationLost, InvokeError
from rollout.invoke import connections
from rollout.invoke.invoker import Invoker, InvokeResult


@pytest.mark.parametrize(
    ("limits", "many"),
    [({"concurrency": 20, "takes_s": 0.2}, 100), ({"rate": 100}, 100)],
    ids=["too many", "too fast"],
)
def test_calls_turned_away_are_made_again_and_each_runs_once(target, limits, many):
    """Lambda turns away what is one too many at once, and what comes too fast."""
    with lambda_stub(**limits) as url:
        answers = asyncio.run(run_through(target, url, many=many, in_flight=100))
        came = what_came(url)

    assert came["accepted"] == many
    assert came["twice"] == 0
    assert sum(answer.throttles for answer in answers) == came["refused"] > 0
    assert came["most"] <= limits.get("concurrency", 100)


def test_after_a_call_was_turned_away_fewer_are_in_flight(target):
    """Calls that keep knocking would be most of the traffic: one in 20 gets in here."""
    with lambda_stub(concurrency=5, takes_s=0.02) as url:
        asyncio.run(run_through(target, url, many=200, in_flight=100))
        came = what_came(url)

    assert came["accepted"] == 200
    assert came["refused"] < 150


def test_lambda_says_how_long_it_wants_to_be_left_alone(target):
    async def first_not(_):
        times.append(time.monotonic())
        if len(times) == 1:
            return web.Response(status=429, headers={"Retry-After": "1"}, body=b"{}")
        return web.Response(body=b"{}")

    times = []
    _, (answer,) = call_stub(target, first_not)

    assert answer.throttles == 1
    assert times[1] - times[0] >= 1


def test_waiting_for_a_turn_is_no_reason_to_give_up(target):
    """Calls that wait for longer ones of ours are not turned away by anybody."""
    with lambda_stub(concurrency=1, takes_s=0.6) as url:
        answers = asyncio.run(
            run_through(target, url, many=5, in_flight=5, accepted_within_s=1.0)
        )

    assert [type(answer) for answer in answers] == [InvokeResult] * 5


def test_without_a_connection_the_call_is_made_again(
    target, silent_socket, silent_url, monkeypatch
):
    """Nothing was sent, so nothing can run twice. AWS is there again some time."""
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
        aws = replace(at(target, silent_url), name="aws")
        async with Invoker(aws) as invoker:
            answer = await invoker.invoke("f", b"{}")
        await stub.runner.cleanup()
        return answer

    assert asyncio.run(run()).throttles == 0
    assert len(stub.seen) == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [("aws", "Unreachable"), ("local", "Gone")],
    ids=["aws in time", "a local endpoint at once"],
)
def test_nobody_there_is_given_up(target, silent_url, monkeypatch, name, code):
    """A local endpoint's functions went with it: whoever comes next has others."""
    attempts = []
    real = connections._kept_alive
    monkeypatch.setattr(
        connections,
        "_kept_alive",
        lambda address: attempts.append(address) or real(address),
    )
    there = replace(at(target, silent_url), name=name)
    with pytest.raises(InvokeError, match="Could not connect; f was") as caught:
        call(there, "f", {}, accepted_within_s=0.5 if name == "aws" else 60)

    assert (caught.value.code, caught.value.status) == (code, 0)
    assert name == "aws" or len(attempts) == 1


def test_a_call_that_the_proxy_refused_was_not_sent(target, monkeypatch):
    """Nobody need look for it in the log, nor for the password in the message."""

    async def refuse(reader, writer):
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run():
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{port}")
            aws = replace(at(target, "https://lambda.example"), name="aws")
            async with Invoker(aws) as invoker:
                await invoker.invoke("f", b"{}")

    asked = []
    with pytest.raises(InvokeError, match=r"not invoked: .* 407 Who") as caught:
        asyncio.run(run())

    assert asked == [b"CONNECT lambda.example:443 HTTP/1.1\r\n"]
    assert (caught.value.code, caught.value.status) == ("Proxy", 0)
    assert "secret" not in str(caught.value)


async def hang_up(request):
    request.transport.abort()
    return web.Response()


async def stop_half_way(request):
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"{")
    request.transport.abort()
    return response


@pytest.mark.parametrize("answer", [hang_up, stop_half_way])
def test_a_call_that_was_sent_is_never_made_again(target, answer):
    """The function may have run: only the plan can say whether it may run twice."""
    stub, (outcome,) = call_stub(target, answer)

    assert isinstance(outcome, InvocationLost)
    assert "The call of f was lost after" in str(outcome)
    assert len(stub.seen) == 1


def test_lost_calls_do_not_hold_up_the_others_to_see_whether_the_endpoint_died(target):
    """To wait for that in the event loop would cost 0.1 s for each of a thousand."""

    async def hang_up(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async def lost():
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            there = replace(at(target, url), check_alive=looks.append)
            async with Invoker(there) as invoker:
                calls = [invoker.invoke("f", b"{}") for _ in range(20)]
                return await asyncio.gather(*calls, return_exceptions=True)

    looks = []
    outcomes = asyncio.run(lost())

    assert {type(one) for one in outcomes} == {InvocationLost}
    assert len(looks) >= 2 * len(outcomes)
    assert set(looks) == {0.0}


def test_a_call_over_a_used_connection_is_never_made_again_either(target):
    """Clients repeat requests by themselves when a kept connection breaks."""

    async def hang_up_on_the_second(request):
        if len(stub_requests) == 1:
            request.transport.abort()
        stub_requests.append(request.transport)
        return web.Response(body=b"{}")

    stub_requests = []
    stub, (first, second) = call_stub(target, hang_up_on_the_second, 2, in_flight=1)

    assert first.payload == b"{}"
    assert isinstance(second, InvocationLost)
    assert len(stub.seen) == 2
    assert stub_requests[0] is stub_requests[1]


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"[]", b"\xff"])
def test_an_error_that_is_not_a_throttle_is_reported_at_once(target, body):
    """Also when it comes from a gateway in between, in words of its own."""

    async def fail(_):
        return web.Response(status=502, body=body)

    stub, (outcome,) = call_stub(target, fail)

    assert isinstance(outcome, InvokeError)
    assert (outcome.status, outcome.code) == (502, "")
    assert str(outcome).startswith("f may have run; see its log: 502 Bad Gateway: ")
    assert len(stub.seen) == 1


def test_no_more_calls_are_in_flight_than_wanted(target):
    async def when_twenty_came(_):
        came.append(None)
        if len(came) == 20:
            enough.set()
        await enough.wait()
        await asyncio.sleep(0.02)  # which is time for one too many
        return web.Response(body=b"{}")

    came, enough = [], asyncio.Event()
    stub, outcomes = call_stub(target, when_twenty_came, many=60, in_flight=20)

    assert {outcome.payload for outcome in outcomes} == {b"{}"}
    assert stub.most_in_flight == 20


@pytest.mark.soak
def test_soak_one_core_dispatches_2500_calls_a_second(target):
    """Of 1 kB each, 1,000 in flight, against a server that costs nothing here."""
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
    with lambda_stub(takes_s=1.0) as url:
        asyncio.run(run_through(target, url, many=1_000, in_flight=1_000))
        came = what_came(url)

    assert (came["accepted"], came["twice"], came["refused"]) == (1_000, 0, 0)
    assert came["most"] > 100


@pytest.mark.soak
def test_soak_a_thousand_in_flight_for_ten_seconds_lose_and_double_nothing(target):
    """Fewer are allowed than wanted, so some of them are turned away all the time."""
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
