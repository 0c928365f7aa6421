"""The model's answer in sentences, as `plan` prints them in a second."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aws_facts.fleet_constants import constants
from aws_facts.limits import limits
from aws_facts.prices import mark, prices
from experiment.fleet.bottlenecks import (
    DRAWS,
    LATENCY,
    PROCESSOR,
    SEVERAL,
    binding,
    shares,
)
from experiment.fleet.dollars import bill_for
from experiment.fleet.forecast import forecast
from experiment.fleet.question import S3, S3_ELSEWHERE
from experiment.tables.words import duration, size
from rollout.price import in_dollars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from aws_facts.fleet_constants import Constant
    from experiment.fleet.forecast import Band, Forecast
    from experiment.fleet.question import Question

_QUICK_DRAWS, _QUICK_BINDS = 200, 6
_NO_USE = 0.02  # of the time
_OLD_AFTER_DAYS = 90
_PLACES = {S3: "S3 in the same region", S3_ELSEWHERE: "S3 in another region"}


def plan_in_words(question: Question, deadline_s: float) -> Iterator[str]:
    """Yield lines: what is asked, time, dollars, what binds, and if it is in time."""
    yield f"asked: {asked_in_words(question)}"
    yield from calibration_in_words(question)
    made = forecast(question, _QUICK_DRAWS)
    told = answers(question, made, deadline_s, _QUICK_BINDS)
    told["time"] += ", forecast for AWS by a model, not measured"
    yield from (f"{name}: {text}" for name, text in told.items())


def answers(
    question: Question, made: Forecast, deadline_s: float, draws: int = DRAWS
) -> dict[str, str]:
    """Return time, dollars, how likely the deadline is, and what binds, in words."""
    kept = float((made.seconds <= deadline_s).mean()) * 100
    inside = f"in {kept:.0f} % of {len(made.seconds):,} draws"
    return {
        "time": in_time(made.time),
        "dollars": in_money(made.cost) + mark(assumed=bill_for(question, 1.0).assumes),
        f"inside {duration(deadline_s)}": inside,
        "bottleneck": what_binds(question, draws),
    }


def calibration_in_words(
    question: Question, today: date | None = None
) -> Iterator[str]:
    """
    Yield a line for each place and day where constants of the forecast were measured.

    Those of another region or architecture, and old ones, are used all the same, for
    what others have published is older and of other regions, too; the line says so.
    """
    today = today or datetime.now(UTC).date()
    measured: defaultdict[tuple[str, str, date], list[str]] = defaultdict(list)
    for one in constants().values():
        is_used = question.architecture in one.name or "_slowdown" not in one.name
        if one.region and is_used:
            measured[one.region, one.architecture, one.seen].append(one.name)
    for (region, architecture, seen), names in measured.items():
        doubts = []
        if not question.region:
            doubts.append("the question names no region: set AWS_REGION")
        elif question.region != region:
            doubts.append(f"the question is about {question.region}")
        if question.architecture not in architecture:
            doubts.append(f"the question is about {question.architecture}")
        if (today - seen).days > _OLD_AFTER_DAYS:
            doubts.append(
                f"that is more than {_OLD_AFTER_DAYS} days ago: make aws-check "
                "measures anew"
            )
        where = f"measured in {region} on {architecture}, {seen:%d %b %Y}"
        although = f"; used, although {' and '.join(doubts)}" if doubts else ""
        yield f"{where}: {', '.join(names)}{although}"


def sources_in_words(word: str = "") -> Iterator[str]:
    """
    Yield where every number comes from: constants, limits and prices, a line each.

    Raises:
        ValueError: If none has the word in its name or source.

    >>> print(*sources_in_words("starts_per_s "))  # doctest: +ELLIPSIS
    starts_per_s = 100, exact (documented, 28 Nov 2026): https://docs.aws.amazon.com...
    """
    lines = [
        *(_source_of(one) for one in constants().values()),
        *(
            f"{name} = {one.least:,} to {one.most:,}, a limit "
            f"(documented, {one.seen:%d %b %Y}): {one.source}"
            for name, one in limits().items()
        ),
        *(
            f"{name} = ${one.dollars:.12g}, a price "
            f"(documented, {one.seen:%d %b %Y}): {one.source}"
            for name, one in prices().items()
        ),
    ]
    found = [line for line in lines if word in line]
    if not found:
        msg = f"No number has {word!r} in its name or source. Leave it out for all."
        raise ValueError(msg)
    yield from found


def _source_of(one: Constant) -> str:
    values = ", ".join(f"{value:,g}" for value in one.values or (one.value,))
    spread = f"{one.low:,g} to {one.high:,g}" if one.low < one.high else "exact"
    times = " times that" if one.values and one.low < one.high else ""
    return (
        f"{one.name} = {values}, {spread}{times} "
        f"({one.kind}, {one.seen:%d %b %Y}): {one.source}"
    )


def run_in_words(question: Question, made: Forecast) -> Iterator[str]:
    """Yield lines for preflight: what is asked, time on AWS, and what binds."""
    yield f"asked of the model: {asked_in_words(question)}"
    yield from calibration_in_words(question)
    yield f"forecast for AWS, not measured: {in_time(made.time)}"
    found = shares(question, _QUICK_BINDS)
    yield f"bottleneck: {_said(found)}{_useless(found)}"


def asked_in_words(question: Question) -> str:
    """
    Say what is downloaded from where, and what is taken for granted about it.

    >>> from experiment.fleet.question import INTERNET, Question
    >>> print(asked_in_words(Question(files=20_000, sizes_bytes=(1e4,))))
    20,000 files of 10 kB from S3 in the same region, over 16 prefixes
    >>> print(asked_in_words(Question(files=9, sizes_bytes=(1e4,), source=INTERNET)))
    9 files of 10 kB from the internet; assumed: no limit of the origin, as quick as S3
    """
    is_one_size = len(set(question.sizes_bytes)) == 1
    text = (
        f"{question.files:,} files of {size(round(question.mean_bytes / 1_000, 3))} "
        f"{'' if is_one_size else 'on average '}from "
        f"{_PLACES.get(question.source, 'the internet')}"
    )
    if question.is_from_s3:
        count = question.read_prefixes
        text += f", over {count:,} prefix{'es' * (count != 1)}"
    if question.latency_s:
        text += f", {duration(question.latency_s)} to the first byte"
    assumed = []
    if not question.is_from_s3 and math.isinf(question.origin_files_per_s):
        assumed.append("no limit of the origin")
    if not question.is_from_s3 and not question.latency_s:
        assumed.append("as quick as S3")
    if question.source == S3_ELSEWHERE and not question.latency_s:
        assumed.append("as quick as in the same region")
    return f"{text}; assumed: {', '.join(assumed)}" if assumed else text


def what_binds(question: Question, draws: int = DRAWS) -> str:
    """Say what binds, and what relaxing it would save."""
    return _said(shares(question, draws))


def _said(found: Mapping[str, float]) -> str:
    name, share = binding(found)
    if name == SEVERAL:
        return f"{name}: relaxing any one of the limits saves less than a tenth"
    return f"{name}: relaxed tenfold, it would save {share * 100:.0f} % of the time"


def _useless(found: Mapping[str, float]) -> str:
    """Say which of a user's own limits it is no use to relax."""
    vain = [
        what
        for name, what in ((LATENCY, "connections"), (PROCESSOR, "memory"))
        if found[name] < _NO_USE
    ]
    return f"; more {' or '.join(vain)} would change nothing" if vain else ""


def in_time(band: Band) -> str:
    """Return a band of seconds in words."""
    return (
        f"{duration(band.median)} ({duration(band.low)} to {duration(band.high)} "
        "in nine of ten draws)"
    )


def in_money(band: Band) -> str:
    """Return a band of dollars in words."""
    return (
        f"{in_dollars(band.median)} ({in_dollars(band.low)} to {in_dollars(band.high)})"
    )
