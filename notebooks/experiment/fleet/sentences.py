"""The model's answer in sentences, as `plan` prints them in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiment.fleet.forecast import forecast
from experiment.fleet.limits import DRAWS, SEVERAL, binding
from experiment.tables.words import duration
from rollout.price import in_dollars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiment.fleet.forecast import Band
    from experiment.fleet.question import Question

_QUICK_DRAWS, _QUICK_BINDS = 200, 6


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


def what_binds(question: Question, draws: int = DRAWS) -> str:
    """Say what binds, and what relaxing it would save."""
    name, share = binding(question, draws)
    if name == SEVERAL:
        return f"{name}: relaxing any one of the limits saves less than a tenth"
    return f"{name}: relaxed tenfold, it would save {share * 100:.0f} % of the time"


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
