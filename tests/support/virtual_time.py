"""An engine whose time passes only when somebody waits: hours of a list in a moment."""

from __future__ import annotations

from random import Random
from typing import NamedTuple
from unittest import mock

from fetcher.contract.download_results import Download
from fetcher.contract.options import Options
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.sinks.discard import Discard
from fetcher.transfer import scheduler as module
from fetcher.transfer.attempt import Attempt, Stage
from fetcher.transfer.engine import JUDGE_EVERY_S
from fetcher.transfer.flow.early_end import EarlyEnd
from fetcher.transfer.scheduler import Scheduler

NEVER = float("inf")


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


class Fate(NamedTuple):
    """
    What becomes of a try.

    Attributes:
        ends_s: Seconds until it ends; as `outcome` and `status` say.

        speaks_s: Seconds until something comes.

        bytes_per_s: How much comes from then on.

        stage: How far the request comes until then.

        is_promised: Whether the response says how long its body is.
    """

    ends_s: float = NEVER
    outcome: Outcome = Outcome.OK
    status: int = 200
    speaks_s: float = NEVER
    bytes_per_s: float = 0.0
    stage: Stage = Stage.ASKED
    retry_after_s: float = 0.0
    is_promised: bool = False


def otherwise(usual, fates):
    """Return what becomes of each URL: what a table says, or else the usual."""
    return lambda url, *_: fates.get(url, usual)


class Simulated:
    """
    An engine in virtual time.

    Args:
        clock: Its time.

        fate_of: Called with a URL, the number of the try, and the time.

    Attributes:
        most_open: The most attempts that were in flight.

        tries: Position and time of each try, in order.
    """

    name = "simulated"

    def __init__(self, clock, fate_of):
        self._clock = clock
        self._fate_of = fate_of
        self.most_open = 0
        self.tries = []
        self._stopped = False

    def run(self, work, deadline_s):
        clock, flying = self._clock, {}
        until = clock.now + deadline_s
        while clock.now < until and not self._stopped:
            while isinstance(step := work.next(), Attempt):
                assert step not in flying
                fate = self._fate_of(step.item.url, step.tries, clock.now)
                flying[step] = clock.now, fate
                self.tries.append((step.position, clock.now))
                self.most_open = max(self.most_open, len(flying))
            if step is None and not flying:
                return
            ends = [began + fate.ends_s for began, fate in flying.values()]
            pause_s = JUDGE_EVERY_S if step is None else min(step, JUDGE_EVERY_S)
            clock.now = max(clock.now, min([clock.now + pause_s, *ends, until]))
            for attempt, (began, fate) in tuple(flying.items()):
                if download := self._ended(work, attempt, began, fate):
                    del flying[attempt]
                    work.ended(attempt, download)

    def _ended(self, work, attempt, began, fate):
        now, elapsed_s = self._clock.now, self._clock.now - began
        spoken_s = elapsed_s - fate.speaks_s
        attempt.stage = fate.stage
        if spoken_s >= 0:
            attempt.stage = Stage.ASKED
            attempt.received = 1 + int(spoken_s * fate.bytes_per_s)
            if fate.is_promised and not attempt.body.is_promised:
                attempt.body.begin(200, "", 10**9)
        if now >= began + fate.ends_s:
            attempt.is_answered = bool(fate.status)
            return Download(fate.outcome, fate.status, retry_after_s=fate.retry_after_s)
        overdue = work.judge(attempt, now)
        return Download(overdue[0], detail=overdue[1]) if overdue else None

    def stop(self):
        self._stopped = True


class Run(NamedTuple):
    """What became of a list: downloads in its order, the engine, seconds it took."""

    ended: list
    engine: Simulated
    seconds: float
    times: dict
    silences: dict
    heard: set

    def outcomes(self):
        return [one.outcome for one in self.ended]


def simulate(urls, fate_of, deadline_s=1e7, *, hands_back=False, gone=(), **options):
    """Download a list in virtual time; each URL ends exactly once."""
    clock, ended, times = Clock(), {}, {}
    began = clock.now

    def account(index, _, download):
        assert index not in ended
        ended[index], times[index] = download, clock.now - began

    engine = Simulated(clock, fate_of)
    items = [Item(number, url) for number, url in enumerate(urls)]
    early_end = EarlyEnd(len(items), engine.stop) if hands_back else None
    options = Options(**options)
    chance = Random(len(items)).uniform  # pauses before another try are the same again
    with (
        mock.patch.object(module, "monotonic", clock),
        mock.patch("random.uniform", chance),
    ):
        job = Scheduler(
            items, Discard(), options, account, gone=gone, early_end=early_end
        )
        job.run(engine, deadline_s)

    assert sorted(ended) == list(range(len(urls)))
    return Run(
        [ended[n] for n in sorted(ended)],
        engine,
        clock.now - began,
        times,
        job.silences(),
        job.heard,
    )
