"""What of a forecast was measured in an account, and whether it fits the question."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aws_facts.fleet_constants import constants

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from aws_facts.fleet_constants import Constant
    from experiment.fleet.question import Question

OLD_AFTER_DAYS = 90


def calibration_in_words(
    question: Question, today: date | None = None
) -> Iterator[str]:
    """
    Yield a line for each place and day where constants of the forecast were measured.

    Those of another region or architecture, and old ones, are used all the same, for
    what others have published is older and of other regions, too; the line says so.

    Args:
        question: Which region and architecture are asked about.

        today: For tests.
    """
    today = today or datetime.now(UTC).date()
    measured: defaultdict[tuple[str, str, date], list[Constant]] = defaultdict(list)
    for one in constants().values():
        is_used = question.architecture in one.name or "_slowdown" not in one.name
        if one.region and is_used:
            measured[one.region, one.architecture, one.seen].append(one)
    for (region, architecture, seen), some in measured.items():
        days = max(0, (today - seen).days)
        doubts = []
        if question.region and question.region != region:
            doubts.append(f"the question is about {question.region}")
        if not question.region:
            doubts.append("the question names no region: set AWS_REGION")
        if question.architecture not in architecture:
            doubts.append(f"the question is about {question.architecture}")
        if days > OLD_AFTER_DAYS:
            doubts.append(
                f"that is more than {OLD_AFTER_DAYS} days ago: make aws-check measures "
                "anew"
            )
        names = ", ".join(one.name for one in some)
        line = f"measured in {region} on {architecture}, {seen:%d %b %Y}: {names}"
        yield f"{line}; used, although {' and '.join(doubts)}" if doubts else line
