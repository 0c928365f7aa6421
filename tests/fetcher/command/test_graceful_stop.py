"""SIGINT and SIGTERM bring the end, once somebody can handle it."""

import signal
from threading import Event, Thread

from tests.support.misbehaving_origin import WAIT_S

from fetcher.command.graceful_stop import SIGNALS, Stops


def test_a_signal_that_came_early_is_not_forgotten():
    called = Event()
    with Stops() as stops:
        signal.raise_signal(signal.SIGTERM)
        stops.then(called.set)

        assert called.is_set()


def test_another_thread_can_stop_the_main_one():
    called = Event()
    with Stops() as stops:
        stops.then(called.set)
        thread = Thread(target=stops.stop)
        thread.start()
        thread.join()

        assert called.wait(WAIT_S)


def test_afterwards_signals_do_what_they_did_before():
    before = [signal.getsignal(kind) for kind in SIGNALS]
    with Stops():
        pass

    assert [signal.getsignal(kind) for kind in SIGNALS] == before


def test_a_signal_that_is_ignored_stays_so():
    """
    Scripts start what they put into the background that way.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Stops() as stops:
            signal.raise_signal(signal.SIGINT)
            came = stops.came
        after = signal.getsignal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert (came, after) == (False, signal.SIG_IGN)
