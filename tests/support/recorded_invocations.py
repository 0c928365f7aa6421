"""Invocations as a run would have recorded them, made by hand or by a fan-out."""

from __future__ import annotations

from contextlib import contextmanager

import pandas as pd

from experiment.ledger.invocation import Invocation
from experiment.ledger.run_folder import open_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.tables.downloads_table import Names, downloads_table
from experiment.tables.outcome_merging import Outcomes
from fetcher.contract.download_results import Download, Downloads
from fetcher.contract.outcome import Outcome
from fetcher.contract.shard_messages import Report
from fetcher.contract.source import numbers_in, ranges_of
from fetcher.contract.template_source import Template

TEXT = "http://127.0.0.1:1/1000/{number}.jpg"
SENT_AT = 1_700_000_000.0


def urls(*ranges):
    return Template(TEXT, ranges)


SOURCE = urls((0, 3), (7, 2))
MANY = 12
WHOLE = urls((0, MANY))


@contextmanager
def opened_run(folder):
    """A run of ten files that is being written."""
    settings = FanOutSettings(files=10)
    run = open_run("20_fan_out", settings, folder, region="us-east-1")
    try:
        yield run
    finally:
        run.close(verdict="")


def pick(whole, numbers):
    """Those of the URLs that have these numbers, which ascend."""
    return Template(whole.text, ranges_of(numbers))


def part(whole, start, many):
    """So many of the URLs, from one position on."""
    return pick(whole, list(numbers_in(whole.ranges))[start : start + many])


def table_of(invocations, whole):
    """The outcome of every URL."""
    names = Names("a run", "local", 10)
    with Outcomes(None) as outcomes:
        for _ in outcomes.collect(invocations):
            pass
        blocks = outcomes.blocks(len(whole))
        tables = [downloads_table(block, whole, names).to_pandas() for block in blocks]
    return pd.concat(tables, ignore_index=True)


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
    downloads = Downloads(len(source))
    for position, end in enumerate(ends):
        if end is not None:
            downloads[position] = end
    return Report(
        run="made",
        index=shard,
        wave=wave,
        execution="an execution",
        cold=cold,
        started_at=started_at,
        downloading_at=started_at + 0.25,
        downloaded_at=started_at + 1.25,
        tally=downloads.tally(),
        downloads=downloads,
        cpu_s=0.5,
        peak_rss_bytes=50_000_000,
        engine="made 1.0",
    )


def invocation(
    source, ends=None, *, shard=0, wave=0, sent_at=SENT_AT, error="", **more
):
    """What the ledger keeps of one shard; with an error there is no report."""
    ends = [done()] * len(source) if ends is None else ends
    answer = report(source, ends, shard=shard, wave=wave, started_at=sent_at + 0.5)
    made = Invocation(
        session=0,
        wave=wave,
        shard=shard,
        ranges=source.ranges,
        template=source.text,
        queued_at=sent_at - 1,
        invoked_at=sent_at,
        answered_at=sent_at + 2,
        throttles=1,
        hedges=0,
        request_id="a request",
        error=error,
        report=None if error else answer,
    )
    return made._replace(**more)


def died(folder, kind=FanOutSettings, **settings):
    """A run that broke off after two of its eight shards."""
    run = open_run("20_fan_out", kind(files=16, **settings), folder, region="here")
    for shard in range(2):
        run.reports.append(invocation(urls((2 * shard, 2)), shard=shard))
    return run


def requested(invocations, **fields):
    """Return the numbers of URLs that invocations with such fields were for."""
    return [
        number
        for done in invocations
        if fields.items() <= done._asdict().items()
        for number in numbers_in(done.ranges)
    ]


def outcomes(plan, invocations):
    """Count the URLs by outcome, after checking that each has exactly one."""
    table = table_of(invocations, plan.urls)
    assert table["number"].tolist() == list(range(plan.files))
    counts = table["outcome"].value_counts()
    return {name: many for name, many in counts.items() if many}
