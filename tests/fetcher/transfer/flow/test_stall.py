"""When a download counts as stalled."""

import pytest

from fetcher.contract.options import Options
from fetcher.transfer.flow.stall import StallWatch


def watch(**options):
    given = {"read_timeout_s": 10.0, "min_bytes_per_s": 0} | options
    return StallWatch(Options(**given), now=0.0)


def test_silence_counts_from_the_last_byte():
    one = watch()

    assert not one.stalled(5, 9.0)
    assert not one.stalled(5, 18.9)
    assert one.stalled(5, 19.0) == "nothing came for 10 s"


def test_a_byte_now_and_then_is_enough_if_nobody_asks_for_more():
    one = watch()

    assert not any(one.stalled(n, 9.0 * n) for n in range(1, 100))


@pytest.mark.parametrize(("per_s", "is_stalled"), [(99, True), (100, False)])
def test_a_body_slower_than_asked_for_is_stalled(per_s, is_stalled):
    one = watch(min_bytes_per_s=100)
    told = [one.stalled(per_s * second, float(second)) for second in range(1, 31)]

    assert any(told) == is_stalled
    assert not is_stalled or "expected 100 bytes/s at least, got 990" in told[10]


def test_the_pace_counts_from_the_first_byte_and_in_every_window():
    one = watch(min_bytes_per_s=100)

    assert not one.stalled(0, 9.0)
    assert not one.stalled(1_000, 10.0)
    assert not one.stalled(1_500, 19.0)
    assert "got 500 bytes in 10 s" in one.stalled(1_500, 20.0)
