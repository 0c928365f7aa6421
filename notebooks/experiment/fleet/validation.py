"""Recorded runs of others, predicted; and the 29 s that the model is not fitted to."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from experiment.fleet.forecast import band, forecast
from experiment.fleet.question import INTERNET, OF_2022, S3, TODAY, Question

if TYPE_CHECKING:
    from collections.abc import Mapping

_LITHOPS = (
    "https://github.com/lithops-cloud/applications (benchmarks/object_storage/aws_s3)"
)
_FAAS = "https://github.com/danielBCN/faas-parallelism-benchmark (results)"
_ZIP = "https://rustysl.com/en/blog/beyond-s3-archive-streaming"
_BOTO3 = "https://github.com/aws-samples/aws-lambda-parallel-download"
_NO_FIT = "none"
_DRAWS = 1_000
LAST, MEDIAN = "last", "median"

_OTHER = Question(
    files=1_000,
    architecture="x86_64",
    is_cold=False,
    hedge=False,
    source=S3,
    read_prefixes=1_000,
)


class PublishedRun(NamedTuple):
    """
    A run that somebody published.

    Attributes:
        run: What it was, in words.

        until: ``last``: the last answer came; ``median``: of the executions.

        reported_s: As published.

        question: The same for the model.

        source: Where it is published.

        fixed: What is known of that run, by name of the constant.

        set_by_it: The constant that was set by this very record, if any.
    """

    run: str
    until: str
    reported_s: float
    question: Question
    source: str
    fixed: Mapping[str, float] = {}
    set_by_it: str = _NO_FIT


_LARGE = replace(
    _OTHER,
    concurrency=1_000,
    connections=1,
    sizes_bytes=(536.9e6,),
    memory_mb=1_024,
    is_used=True,
)
# Its README says up to 1,000 threads, and no more memory than this helped.
_ONE = replace(
    _OTHER,
    concurrency=1,
    connections=1_000,
    memory_mb=2_304,
    sizes_bytes=(8_300.0,),
    engine="boto3",
)
_SLEEP = replace(
    _OTHER,
    concurrency=1_000,
    connections=1,
    sizes_bytes=(1.0,),
    memory_mb=256,
    source=INTERNET,
    latency_s=1.0,
)
# They read nothing: with the tail of reads they would take 1.6 to 2.2 times as long.
_AS_ITS_CALLS = {"calls_per_s": 690.0, "connect_s": 0.0, "tail_scale": 0.0}

RECORDS = (
    PublishedRun(
        run="lithops, 1,000 executions read 536.9 MB each, 2022",
        until=MEDIAN,
        reported_s=5.379,
        question=_LARGE,
        set_by_it="used_credit_bytes",
        source=f"{_LITHOPS}, 1000_read.pickle",
    ),
    PublishedRun(
        run="lithops, 1,000 executions read 536.9 MB each, 2022",
        until=LAST,
        reported_s=13.08,
        question=_LARGE,
        set_by_it="tail_1000",
        source=f"{_LITHOPS}, 1000_read.pickle",
    ),
    PublishedRun(
        run="lithops, 1,000 executions write 536.9 MB each, 2022",
        until=LAST,
        reported_s=22.2,
        question=_LARGE,
        source=f"{_LITHOPS}, 1000_write.pickle",
    ),
    PublishedRun(
        run="Rust, one execution zips 3,000 files of 5 MB, 2026",
        until=LAST,
        reported_s=212.0,
        question=replace(
            _OTHER,
            files=3_000,
            concurrency=1,
            connections=16,
            sizes_bytes=(5e6,),
            memory_mb=512,
        ),
        source=_ZIP,
    ),
    PublishedRun(
        run="parallel-download, 1,000 files of 8.3 kB, boto3, 2024",
        until=LAST,
        reported_s=2.3,
        question=_ONE,
        source=_BOTO3,
    ),
    PublishedRun(
        run="parallel-download, 10,000 files of 8.3 kB, boto3, 2024",
        until=LAST,
        reported_s=26.0,
        question=replace(_ONE, files=10_000),
        source=_BOTO3,
    ),
    PublishedRun(
        run="faas-parallelism, 1,000 × sleep 1 s, warm, 2020",
        until=LAST,
        reported_s=2.913,
        question=_SLEEP,
        fixed=_AS_ITS_CALLS,
        set_by_it="call_s",
        source=f"{_FAAS}, sleep_warm_size=1000.json",
    ),
    PublishedRun(
        run="faas-parallelism, 200 × sleep 1 s, part cold, 2020",
        until=LAST,
        reported_s=2.159,
        question=replace(_SLEEP, files=200, concurrency=200, is_cold=True),
        fixed=_AS_ITS_CALLS | {"cold_start_s": 0.19},
        source=f"{_FAAS}, sleep_size=200.json",
    ),
)


def predicted_beside_reported(draws: int = _DRAWS) -> pd.DataFrame:
    """
    Return the model's time beside that of every record, misses included.

    Returns:
        A row per record; ``ratio`` is predicted over reported. Where ``set_by_it`` is
        not "none", the record itself set that constant, so that it proves nothing.
    """
    bands = []
    for record in RECORDS:
        made = forecast(record.question, draws, fixed=record.fixed)
        is_median = record.until == MEDIAN
        bands.append(band(made.typical_s) if is_median else made.time)
    table = pd.DataFrame(RECORDS).drop(columns=["question", "fixed"])
    table[["low_s", "predicted_s", "high_s"]] = bands
    table["ratio"] = table["predicted_s"] / table["reported_s"]
    return table


REPORTED_S = 29.0
# The /tmp of an execution, 512 MB, holds 301 of its 1,000 files.
_ORIGINAL = Question(
    files=1_000_000,
    sizes_bytes=(1_700_000.0,),
    concurrency=1_000,
    connections=100,
    memory_mb=512,
    architecture="x86_64",
    engine="node",
    sink="directory",
    source=INTERNET,
    scaling=OF_2022,
    hedge=False,
)
_STARTS: dict[str, dict[str, Any]] = {
    "cold, 500 at once and 8.3 a second": {},
    "cold, all 1,000 at once": {"scaling": TODAY},
    "warm, all 1,000 at once": {"scaling": TODAY, "is_cold": False},
}
_TAILS = {"none": (0.0, 0.5), "a share of the time": (1.0, 0.0), "seconds": (1.0, 1.0)}
_CLIENTS = {"node, as published": "node", "this project's worker": "curl"}


def under_which_assumptions(draws: int = 200) -> pd.DataFrame:
    """
    Say under which assumptions the 29 s reported for a million files are possible.

    Its record is silent on each of them, so it can neither confirm nor refute a model.

    Returns:
        A row per set of assumptions, with the band of its time; ``possible`` is whether
        29 s lie in it.
    """
    rows = []
    assumptions = product(_STARTS.items(), _CLIENTS.items(), _TAILS.items())
    for (start, known), (client, engine), (tail, (scale, adds)) in assumptions:
        question = replace(_ORIGINAL, engine=engine, **known)
        fixed = {"tail_scale": scale, "tail_adds": adds}
        low, median, high = forecast(question, draws, fixed=fixed).time
        is_possible = low <= REPORTED_S <= high
        rows.append((start, client, tail, low, median, high, is_possible))
    names = ["executions", "client", "tail", "low_s", "median_s", "high_s", "possible"]
    return pd.DataFrame(rows, columns=names)
