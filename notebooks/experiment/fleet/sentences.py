"""The model's answer in sentences, as `plan` prints them in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.fleet.forecast import forecast
from experiment.fleet.limits import (
    DRAWS,
    LATENCY,
    PROCESSOR,
    SEVERAL,
    binding_of,
    shares,
)
from experiment.tables.words import duration
from rollout.price import in_dollars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiment.fleet.forecast import Band, Forecast
    from experiment.fleet.question import Question

_QUICK_DRAWS, _QUICK_BINDS = 200, 6
_NO_USE = 0.02  # of the time


def plan_in_words(
    question: Question, deadline_s: float, *, draws: int = _QUICK_DRAWS
) -> Iterator[str]:
    """Yield lines: time, dollars and what binds, and whether the deadline is met."""
    made = forecast(question, draws)
    kept = float((made.seconds <= deadline_s).mean())
    yield f"time: {in_time(made.time)}, forecast for AWS by a model, not measured"
    yield f"dollars: {in_money(made.cost)}"
    yield (
        f"inside {duration(deadline_s)}: in {kept * 100:.0f} % of "
        f"{len(made.seconds):,} draws"
    )
    yield f"binds: {what_binds(question, _QUICK_BINDS)}"


def run_in_words(question: Question, made: Forecast) -> Iterator[str]:
    """Yield lines for preflight: time on AWS, what binds, and what would not help."""
    yield f"forecast for AWS, not measured: {in_time(made.time)}"
    found = shares(question, _QUICK_BINDS)
    yield f"binds: {_said(found)}{_useless(found)}"


def what_binds(question: Question, draws: int = DRAWS) -> str:
    """Say what binds, and what relaxing it would save."""
    return _said(shares(question, draws))


def _said(found: Mapping[str, float]) -> str:
    name, share = binding_of(found)
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
