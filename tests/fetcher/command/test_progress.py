"""What a person is told while a list is fetched, and at its end."""

from collections import Counter

import pytest

from fetcher.command import progress as module
from fetcher.command.progress import Progress
from fetcher.transfer.flow.download_slots import UnderWay


@pytest.fixture
def told(monkeypatch, capsys):
    """
    Tell of files done at certain times, and return the last thing said of the rest.
    """
    now = 1_000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)

    def told(*moments, count=4_000):
        nonlocal now
        now = 1_000.0
        progress = Progress(count, 0, 20.0)
        for seconds, done, left in moments:
            now = 1_000.0 + seconds
            progress.show(done, done, 0, left)
        return capsys.readouterr().err.splitlines()[-1].rpartition("; ")[2]

    return told


def test_the_rate_of_late_tells_how_long_the_rest_will_take(told):
    assert (
        told((1, 10, UnderWay(9)), (60, 100, UnderWay(9)), (61, 200, UnderWay(9)))
        == "38 s left"
    )


def test_the_silent_are_told_apart_as_they_do_not_take_long_together(told):
    left = UnderWay(working=50, silent=100)

    assert told((10, 1_900, left)) == "11 s left, 100 unresponsive"


def test_files_that_have_come_and_are_in_no_complete_tar_yet_are_told_apart(told):
    assert told((10, 0, UnderWay(9, settling=2_000))) == "10 s left, 2,000 to be stored"
    assert told((9, 3_900, UnderWay(settling=100))) == "0 s left, 100 to be stored"


def test_at_the_end_it_is_told_who_is_waited_for_and_how_long_at_most(told):
    silent = UnderWay(silent=100)

    assert told((9, 3_900, silent)) == "100 unresponsive, done in about 20 s"
    assert told((9, 3_900, silent), (14, 3_930, UnderWay(silent=70))) == (
        "70 unresponsive, done in about 15 s"
    )
    assert told((9, 3_990, UnderWay(0, 4, 6))) == (
        "4 unresponsive, 6 waiting for hosts that are limited or gone"
    )
    assert told((9, 4_000, UnderWay())) == "0 s left"
    assert told((9, 4_000, UnderWay()), (30, 4_000, UnderWay())) == "0 left"


def test_what_went_wrong_is_summed_up_by_outcome_and_by_host(capsys):
    hosts = Counter({f"h{n}": 20 - n for n in range(15)})
    Progress(300, 0).sum_up(Counter(cut=9, ok=100, dns=190), hosts)
    outcomes, worst = capsys.readouterr().err.splitlines()

    assert outcomes == "ok 100, dns 190, cut 9"
    assert worst.startswith("not ok, the worst 10 of 15 hosts: h0 20, h1 19, ")
    assert worst.endswith(", h9 11")


def test_nothing_is_summed_up_when_all_went_well(capsys):
    Progress(300, 0).sum_up(Counter(ok=300), Counter())

    assert capsys.readouterr().err == ""
