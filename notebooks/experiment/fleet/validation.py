"""Recorded runs of others, predicted; and the 29 s that the model is not fitted to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiment.fleet.forecast import band, forecast
from experiment.fleet.question import DIRECTORY, INTERNET, S3, Question

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

_OTHERS: dict[str, Any] = {
    "files": 1_000,
    "architecture": "x86_64",
    "is_cold": False,
    "hedge": False,
    "source": S3,
    "read_prefixes": 1_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRun:
    """
    A run that somebody published.

    Attributes:
        run: What it was, in words.

        what: ``last``: until the last answer; ``median``: of the executions.

        reported_s: As published.

        question: The same for the model.

        fixed: What is known of that run, by name of the constant.

        set_by_it: The constant that was set by this very record, if any.

        source: Where it is published.
    """

    run: str
    what: str
    reported_s: float
    question: Question
    source: str
    fixed: Mapping[str, float] = field(default_factory=dict)
    set_by_it: str = _NO_FIT


def _other(**known: Any) -> Question:  # noqa: ANN401 - the fields of a question
    return Question(**_OTHERS | known)


_LARGE = _other(
    concurrency=1_000,
    connections=1,
    sizes_bytes=(536.9e6,),
    memory_mb=1_024,
    is_used=True,
)
# Its README says up to 1,000 threads, and no more memory than this helped.
_ONE = _other(
    concurrency=1,
    connections=1_000,
    memory_mb=2_304,
    sizes_bytes=(8_300.0,),
    engine="boto3",
)
_SLEEP = _other(
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
        what=MEDIAN,
        reported_s=5.379,
        question=_LARGE,
        set_by_it="used_credit_bytes",
        source=f"{_LITHOPS}, 1000_read.pickle",
    ),
    PublishedRun(
        run="lithops, 1,000 executions read 536.9 MB each, 2022",
        what=LAST,
        reported_s=13.08,
        question=_LARGE,
        set_by_it="tail_1000",
        source=f"{_LITHOPS}, 1000_read.pickle",
    ),
    PublishedRun(
        run="lithops, 1,000 executions write 536.9 MB each, 2022",
        what=LAST,
        reported_s=22.2,
        question=_LARGE,
        source=f"{_LITHOPS}, 1000_write.pickle",
    ),
    PublishedRun(
        run="Rust, one execution zips 3,000 files of 5 MB, 2026",
        what=LAST,
        reported_s=212.0,
        question=_other(
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
        what=LAST,
        reported_s=2.3,
        question=_ONE,
        source=_BOTO3,
    ),
    PublishedRun(
        run="parallel-download, 10,000 files of 8.3 kB, boto3, 2024",
        what=LAST,
        reported_s=26.0,
        question=replace(_ONE, files=10_000),
        source=_BOTO3,
    ),
    PublishedRun(
        run="faas-parallelism, 1,000 × sleep 1 s, warm, 2020",
        what=LAST,
        reported_s=2.913,
        question=_SLEEP,
        fixed=_AS_ITS_CALLS,
        set_by_it="call_s",
        source=f"{_FAAS}, sleep_warm_size=1000.json",
    ),
    PublishedRun(
        run="faas-parallelism, 200 × sleep 1 s, part cold, 2020",
        what=LAST,
        reported_s=2.159,
        question=_other(
            files=200,
            concurrency=200,
            connections=1,
            sizes_bytes=(1.0,),
            memory_mb=256,
            source=INTERNET,
            latency_s=1.0,
            is_cold=True,
        ),
        fixed=_AS_ITS_CALLS | {"cold_start_s": 0.19},
        source=f"{_FAAS}, sleep_size=200.json",
    ),
)


def predicted_beside_reported(draws: int = _DRAWS) -> pd.DataFrame:
    """
    Return the model's time beside that of every record, misses included.

    Returns:
        A row per record; ``ratio`` is predicted over reported, and ``set_by_it`` names
        the constant that the record itself set, so that it proves nothing.
    """
    rows = []
    for record in RECORDS:
        made = forecast(record.question, draws, fixed=record.fixed)
        low, median, high = band(made.typical_s) if record.what == MEDIAN else made.time
        rows.append(
            {
                "run": record.run,
                "until": record.what,
                "reported_s": record.reported_s,
                "low_s": low,
                "predicted_s": median,
                "high_s": high,
                "ratio": median / record.reported_s,
                "set_by_it": record.set_by_it,
                "source": record.source,
            }
        )
    return pd.DataFrame(rows)


REPORTED_S = 29.0
_ORIGINAL = Question(
    files=1_000_000,
    sizes_bytes=(1_700_000.0,),
    concurrency=1_000,
    connections=100,
    memory_mb=512,
    architecture="x86_64",
    engine="node",
    sink=DIRECTORY,
    source=INTERNET,
    scaling="2022",
    hedge=False,
)
_FITS_TMP = 0.512e9 / (1_000 * 1_700_000)
_STARTS: dict[str, dict[str, Any]] = {
    "cold, 500 at once and 8.3 a second": {},
    "cold, all 1,000 at once": {"scaling": "today"},
    "warm, all 1,000 at once": {"scaling": "today", "is_cold": False},
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
    for start, known in _STARTS.items():
        for client, engine in _CLIENTS.items():
            for tail, (scale, adds) in _TAILS.items():
                question = replace(_ORIGINAL, engine=engine, **known)
                fixed = {"tail_scale": scale, "tail_adds": adds}
                low, median, high = forecast(question, draws, fixed=fixed).time
                rows.append(
                    {
                        "executions": start,
                        "client": client,
                        "tail": tail,
                        "low_s": low,
                        "median_s": median,
                        "high_s": high,
                        "possible": bool(low <= REPORTED_S <= high),
                    }
                )
    return pd.DataFrame(rows)


def files_that_fit_tmp() -> int:
    """
    Return how many of the 1,000 files of an execution its /tmp of 512 MB holds.

    >>> files_that_fit_tmp()
    301
    """
    return int(_FITS_TMP * 1_000)
