"""Invocations as a run would have recorded them, made by hand."""

from __future__ import annotations

from experiment.ledger import Invocation
from fetcher.downloads import Download, Downloads
from fetcher.outcome import Outcome
from fetcher.shard import Report
from fetcher.source import Template
from fetcher.tally import Tally

TEXT = "http://127.0.0.1:1/1000/{number}.jpg"
SENT_AT = 1_700_000_000.0


def urls(*ranges):
    return Template(TEXT, ranges)


def done(outcome=Outcome.OK, **more):
    """One URL's end, a kB in 10 ms if nothing else is said."""
    return Download(
        **{
            "outcome": outcome,
            "status": 200,
            "body_bytes": 1_000,
            "started_s": 0.5,
            "seconds": 0.01,
            "attempts": 1,
            "detail": "" if outcome is Outcome.OK else f"it ended {outcome.value}",
            **more,
        }
    )


def report(source, ends, *, shard=0, wave=0, started_at=SENT_AT + 1, cold=False):
    """What an execution answers whose URLs ended like this; None: not begun."""
    downloads, tally = Downloads(len(source)), Tally()
    for position, end in enumerate(ends):
        if end is None:
            tally.add(Outcome.UNSTARTED, 0, 0.0)
        else:
            downloads[position] = end
            tally.add(end.outcome, end.body_bytes, end.seconds)
    return Report(
        run="made",
        index=shard,
        wave=wave,
        execution="an execution",
        cold=cold,
        started_at=started_at,
        downloading_at=started_at + 0.25,
        downloaded_at=started_at + 1.25,
        tally=tally,
        downloads=downloads,
        cpu_s=0.5,
        peak_rss_bytes=50_000_000,
        engine="made 1.0",
    )


def invocation(source, ends=None, *, shard=0, wave=0, sent_at=SENT_AT, error=""):
    """What the ledger keeps of one shard; with an error there is no report."""
    ends = [done()] * len(source) if ends is None else ends
    answer = report(source, ends, shard=shard, wave=wave, started_at=sent_at + 0.5)
    return Invocation(
        wave=wave,
        shard=shard,
        source=source,
        queued_at=sent_at - 1,
        invoked_at=sent_at,
        answered_at=sent_at + 2,
        throttles=1,
        request_id="a request",
        error=error,
        report=None if error else answer,
    )
