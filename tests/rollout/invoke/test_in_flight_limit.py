"""Calls in flight while Lambda throttles some of them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.invoke import in_flight_limit
from rollout.invoke.in_flight_limit import InFlightLimit


class Clock:
    """A clock that a test moves."""

    now = 1_000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(in_flight_limit, "time", clock)
    return clock


async def enter(limit, count):
    for _ in range(count):
        await limit.__aenter__()


async def leave(limit, count=1):
    for _ in range(count):
        await limit.__aexit__(None, None, None)


async def throttle(limit, count=1):
    for _ in range(count):
        limit.throttled()
        await leave(limit)


def test_throttled_calls_lower_the_limit_and_it_is_back_within_ten_seconds(clock):
    """As many stay in flight as were accepted; the limit rises slowly at first."""

    async def run():
        limit = InFlightLimit(1_000)
        await enter(limit, 1_000)
        await throttle(limit, 400)
        assert (limit.in_flight, limit.limit) == (600, 600)
        await throttle(limit, 600)
        seen = []
        for _ in range(4):
            seen.append(limit.limit)
            clock.now += 10 / 3
        return seen

    assert asyncio.run(run()) == [1, 112, 445, 1_000]


def test_waiting_calls_are_admitted_when_one_ends_first_come_first_served():
    order = []

    async def call(limit, name):
        async with limit:
            order.append(name)
            await asyncio.sleep(0)

    async def run():
        limit = InFlightLimit(1)
        await asyncio.gather(*(call(limit, name) for name in range(5)))
        return limit.in_flight

    assert asyncio.run(run()) == 0
    assert order == list(range(5))


def test_waiting_calls_are_admitted_when_the_limit_rises_though_no_call_ends():
    """Calls may run for a quarter of an hour, and meanwhile AWS has scaled out."""

    async def run():
        limit = InFlightLimit(1_000)
        await enter(limit, 3)
        await throttle(limit)
        waiting = [asyncio.ensure_future(enter(limit, 1)) for _ in range(3)]
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        return limit.in_flight

    assert asyncio.run(run()) == 5


def test_a_cancelled_wait_counts_for_nothing():
    async def run():
        limit = InFlightLimit(1)
        await enter(limit, 1)
        waiting = [asyncio.ensure_future(enter(limit, 1)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await leave(limit)  # admits the second, which is cancelled only then
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return limit.in_flight

    assert asyncio.run(run()) == 1


@given(
    maximum=st.integers(1, 50),
    steps=st.lists(
        st.sampled_from(["enter", "leave", "throttle"]) | st.floats(0.01, 5.0)
    ),
)
def test_the_limit_is_at_least_one_and_never_exceeded(maximum, steps):
    clock = Clock()

    async def run():
        limit = InFlightLimit(maximum)
        for step in steps:
            if step == "enter":
                if limit.in_flight < limit.limit:
                    await enter(limit, 1)
                    assert limit.in_flight <= limit.limit
            elif isinstance(step, float):
                clock.now += step
            elif limit.in_flight:
                await {"leave": leave, "throttle": throttle}[step](limit)
            assert 1 <= limit.limit <= maximum
            assert 0 <= limit.in_flight <= maximum

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_flight_limit, "time", clock)
        asyncio.run(run())
