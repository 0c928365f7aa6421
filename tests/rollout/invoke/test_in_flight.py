"""How many calls are in flight while Lambda turns some away."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.invoke import in_flight
from rollout.invoke.in_flight import InFlightLimit


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""

    class Clock:
        now = 1_000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(in_flight, "time", clock)
    return clock


async def enter(turn, many):
    for _ in range(many):
        await turn.__aenter__()


async def leave(turn, many):
    for _ in range(many):
        await turn.__aexit__(None, None, None)


async def turn_away(turn, many):
    for _ in range(many):
        turn.throttled()
        await leave(turn, 1)


@pytest.mark.usefixtures("clock")
def test_as_many_stay_in_flight_as_were_accepted():
    async def run():
        turn = InFlightLimit(1_000)
        await enter(turn, 1_000)
        await turn_away(turn, 400)
        return turn.in_flight, turn.places

    assert asyncio.run(run()) == (600, 600)


def test_places_come_back_slowly_at_first_and_all_within_ten_seconds(clock):
    async def run():
        turn = InFlightLimit(1_000)
        await enter(turn, 1_000)
        await turn_away(turn, 1_000)
        seen = []
        for _ in range(4):
            seen.append(turn.places)
            clock.now += 10 / 3
        return seen

    assert asyncio.run(run()) == [1, 112, 445, 1_000]


def test_who_waits_is_let_in_when_a_call_ends_first_come_first_served():
    order = []

    async def call(turn, name):
        async with turn:
            order.append(name)
            await asyncio.sleep(0)

    async def run():
        turn = InFlightLimit(1)
        await asyncio.gather(*(call(turn, name) for name in range(5)))
        return turn.in_flight

    assert asyncio.run(run()) == 0
    assert order == list(range(5))


def test_who_waits_is_let_in_when_a_place_comes_back_though_no_call_ends():
    """
    Calls may run for a quarter of an hour, and meanwhile AWS has scaled out.
    """

    async def run():
        turn = InFlightLimit(1_000)
        await enter(turn, 3)
        await turn_away(turn, 1)
        waiting = [asyncio.ensure_future(enter(turn, 1)) for _ in range(3)]
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        return turn.in_flight

    assert asyncio.run(run()) == 5


def test_who_gives_up_waiting_takes_no_place():
    async def run():
        turn = InFlightLimit(1)
        await enter(turn, 1)
        waiting = [asyncio.ensure_future(enter(turn, 1)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await leave(turn, 1)  # lets the second in, which is cancelled only then
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return turn.in_flight

    assert asyncio.run(run()) == 1


@given(
    most=st.integers(1, 50),
    steps=st.lists(
        st.sampled_from(["enter", "leave", "turn away"]) | st.floats(0.01, 5.0)
    ),
)
def test_there_is_always_a_place_and_never_one_too_many(most, steps):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()

    async def run():
        turn = InFlightLimit(most)
        for step in steps:
            if step == "enter":
                if turn.in_flight < turn.places:
                    await enter(turn, 1)
                    assert turn.in_flight <= turn.places
            elif isinstance(step, float):
                clock.now += step
            elif turn.in_flight:
                await {"leave": leave, "turn away": turn_away}[step](turn, 1)
            assert 1 <= turn.places <= most
            assert 0 <= turn.in_flight <= most

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_flight, "time", clock)
        asyncio.run(run())
