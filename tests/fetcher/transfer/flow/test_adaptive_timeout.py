"""How long the silent may hold up a list that is otherwise done."""

import math

import pytest
from tests.support.virtual_time import Fate, simulate

from fetcher.contract.outcome import Outcome
from fetcher.transfer.flow.adaptive_timeout import AdaptiveTimeout

TIMES = {"connect_timeout_s": 10.0, "read_timeout_s": 10.0, "attempts": 2}


@pytest.mark.parametrize(
    ("lasted", "spoke", "worth_s"),
    [
        # From few, nothing is concluded.
        ({10: 19}, {}, math.inf),
        ({5: 1_000}, {}, math.inf),
        # Silence is waited for as long as some have spoken.
        ({10: 20}, {}, 3),
        ({10: 100}, {2: 50}, 3),
        ({10: 100}, {4: 50}, 5),
        ({10: 100}, {4: 2}, 3),
        ({10: 100}, {9: 50}, math.inf),
    ],
)
def test_silence_is_worth_waiting_for_as_long_as_some_have_spoken(
    lasted, spoke, worth_s
):
    """
    How many were silent for so many seconds, or spoke after so many.
    """
    patience = AdaptiveTimeout(10.0)
    for seconds, many in (*lasted.items(), *spoke.items()):
        for second in range(1, seconds + 1):
            for _ in range(many):
                patience.lasted(second)
    for seconds, many in spoke.items():
        for _ in range(many):
            patience.spoke(seconds)

    assert patience.seconds() == worth_s


def mixed(spoken_s):
    """
    Of 440 URLs 40 are mute; another 40 take so long to speak.
    """
    fates = [Fate(0.2, speaks_s=0.1)] * 9 + [Fate(), Fate(spoken_s, speaks_s=spoken_s)]
    wanted = [f"http://h{n}/" for n in range(440)]
    return wanted, lambda url, *_: fates[int(url[8:-1]) % 11]


def test_at_the_end_silence_is_given_up_once_waiting_has_brought_nothing():
    run = simulate(*mixed(0.9), connections=20, **TIMES)

    assert run.outcomes().count(Outcome.READ_TIMEOUT) == 40
    last_good = max(run.times[n] for n in range(440) if n % 11 != 9)
    assert run.seconds < last_good + 14  # with the second tries' time it is 20
    assert "downloads silent this long almost never recover" in run.ended[9].detail


def test_at_the_end_those_that_speak_late_are_not_lost():
    run = simulate(*mixed(4.5), connections=20, **TIMES)

    assert run.outcomes().count(Outcome.READ_TIMEOUT) == 40
    assert run.outcomes().count(Outcome.OK) == 400


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("read_timeout_s", [10.0, 60.0])
def test_where_all_are_slow_each_has_all_its_time(count, read_timeout_s):
    """Those that still wait say nothing about whether waiting is of use."""
    late = Fate(0.95 * read_timeout_s, speaks_s=0.9 * read_timeout_s)
    urls = [f"http://h{n % 30}/{n}" for n in range(count)]
    times = TIMES | {"read_timeout_s": read_timeout_s, "total_timeout_s": 120.0}
    run = simulate(urls, lambda *_: late, **times)

    assert set(run.outcomes()) == {Outcome.OK}
