"""
How fast the local Lambda is, how wide, and that nothing is lost: figures and limits.

The limits are for two cores that do nothing else. A moment that is disturbed makes no
figure better, so each is the best of several rounds, and the load average is printed.
"""

import asyncio
import json
import os
import statistics
import time
from urllib.parse import urlsplit

import psutil
import pytest
from tests.support.lambda_functions import ECHO
from tests.support.signed_requests import credentials_of, headers_signed

from rollout.invoke.invoker import Invoker

pytestmark = pytest.mark.soak

ROUNDS = 3


@pytest.fixture(scope="module")
def table():
    rows = []
    yield lambda *row: rows.append(row)
    print(f"\n\nload average {os.getloadavg()[0]:.1f}")
    for what, found, limit in rows:
        print(f"  {what:52} {found:>12}   {limit}")


class _Call(asyncio.Protocol):
    """One unsigned Invoke over a connection of its own: a client that costs little."""

    def __init__(self, request):
        self._request = request
        self._received = b""
        self.answered = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        transport.write(self._request)

    def data_received(self, data):
        self._received += data
        if b"\r\n\r\n" in self._received and not self.answered.done():
            self.answered.set_result((time.perf_counter(), self._received))

    def connection_lost(self, exc):
        if not self.answered.done():
            self.answered.set_exception(exc or EOFError())


async def _call_at_once(endpoint, name, calls):
    """Return the seconds from the first call's connecting to the last answer."""
    address = urlsplit(endpoint.url)
    path = f"/2015-03-31/functions/{name}/invocations"
    credentials = credentials_of(endpoint.keys)
    signed = headers_signed(credentials, "POST", f"{endpoint.url}{path}", b"1")
    lines = "".join(f"{header}: {text}\r\n" for header, text in signed.items())
    request = (
        f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\n{lines}"
        "Content-Length: 1\r\n\r\n1"
    ).encode()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    connections = [
        await loop.create_connection(
            lambda: _Call(request), address.hostname, address.port
        )
        for _ in range(calls)
    ]
    ended = [await call.answered for _, call in connections]
    for transport, _ in connections:
        transport.close()
    for _, received in ended:
        assert received.startswith(b"HTTP/1.1 200 ")
        assert b"X-Amz-Function-Error" not in received
    return max(moment for moment, _ in ended) - began


def _mean_pss_mb(endpoint):
    processes = map(psutil.Process, endpoint.environments())
    return statistics.mean(one.memory_full_info().pss for one in processes) / 2**20


@pytest.mark.parametrize(
    ("width", "cold_limit_s", "warm_limit_s"), [(1_000, 5, 1.2), (100, 0.5, 0.3)]
)
def test_that_many_environments_at_once(
    endpoint, table, width, cold_limit_s, warm_limit_s
):
    cold, warm, memory, widths = [], [], [], []
    for _ in range(ROUNDS):
        # It sleeps, so that nobody answers before all are asked.
        nap = "import time\ndef run(event, context): time.sleep({})\n"
        with endpoint.function(nap.format(cold_limit_s / 2)) as name:
            asyncio.run(_call_at_once(endpoint, name, width))
            widths.append(len(endpoint.environments()))
            memory.append(_mean_pss_mb(endpoint))
        with endpoint.function(ECHO) as name:
            time.sleep(1)  # the zygote is ready
            cold.append(asyncio.run(_call_at_once(endpoint, name, width)))
            calls = [_call_at_once(endpoint, name, width) for _ in range(ROUNDS)]
            warm += map(asyncio.run, calls)
    table(f"{width:,} cold at once, s", f"{min(cold):.2f}", f"<= {cold_limit_s}")
    table(f"{width:,} warm at once, s", f"{min(warm):.2f}", f"<= {warm_limit_s}")
    table(f"PSS of each of {width:,}, MB", f"{min(memory):.2f}", "<= 4")

    assert max(widths) == width
    assert min(memory) <= 4
    assert min(cold) <= cold_limit_s
    assert min(warm) <= warm_limit_s


def test_a_cold_start(endpoint, table):
    client = endpoint.target.client("lambda")
    took = []
    with endpoint.function(ECHO) as name:
        for number in range(40):
            client.update_function_configuration(  # which makes a new zygote
                FunctionName=name, Description=str(number)
            )
            client.get_waiter("function_updated_v2").wait(FunctionName=name)
            time.sleep(0.4)
            took.append(asyncio.run(_call_at_once(endpoint, name, 1)))
    median_ms = statistics.median(took) * 1000
    table("cold start, p50 of 40, ms", f"{median_ms:.1f}", "<= 20")

    assert median_ms <= 20


def test_warm_calls_through_boto3(endpoint, table):
    client = endpoint.target.client("lambda")
    rounds = []
    with endpoint.function(ECHO) as name:
        for _ in range(ROUNDS + 1):  # the first warms up
            took = []
            for _ in range(1_000):
                began = time.perf_counter()
                client.invoke(FunctionName=name, Payload=b"1")["Payload"].read()
                took.append((time.perf_counter() - began) * 1000)
            rounds.append(statistics.quantiles(took, n=100))
    p50, p99 = min((at[49], at[98]) for at in rounds[1:])
    table("warm through boto3, p50, ms", f"{p50:.2f}", "<= 2")
    table("warm through boto3, p99, ms", f"{p99:.2f}", "<= 6")

    assert p50 <= 2
    assert p99 <= 6


def test_a_kilobyte_back_and_forth(endpoint, table):
    payload = json.dumps("x" * 1_000).encode()

    async def rate(name):
        async with Invoker(endpoint.target, in_flight=32) as invoker:

            async def call():
                answer = await invoker.invoke(name, payload)
                assert answer.payload == payload

            rates = []
            for _ in range(ROUNDS + 1):
                began = time.perf_counter()
                async with asyncio.TaskGroup() as group:
                    for _ in range(3_000):
                        group.create_task(call())
                rates.append(3_000 / (time.perf_counter() - began))
            return max(rates)

    with endpoint.function(ECHO) as name:
        best = asyncio.run(rate(name))
    table("warm calls of 1 kB through the Invoker, 1/s", f"{best:,.0f}", ">= 1,200")

    assert best >= 1_200
