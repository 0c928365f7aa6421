"""The question that a plan asks: its files, their sizes, and where it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiment.fleet.asking import question_of
from experiment.fleet.forecast import forecast
from experiment.fleet.question import INTERNET, S3, S3_ELSEWHERE
from experiment.plan.url_facts import file_bytes, is_signed, region_of

if TYPE_CHECKING:
    from experiment.fleet.question import Question
    from experiment.plan.plan import Plan
    from rollout.target.target import Target

_DRAWS = 100


def planned(plan: Plan, target: Target) -> Question:
    """Return the question that a plan asks, as if its target were AWS."""
    settings = replace(plan.settings, files=max(1, plan.files))
    each, _ = file_bytes(plan.urls, plan.settings)
    source = INTERNET
    if is_signed(plan.urls, plan.settings):
        source = S3
    elif region := region_of(plan.urls):
        source = S3 if region == target.region else S3_ELSEWHERE
    return replace(
        question_of(settings), sizes_bytes=(float(max(1, each)),), source=source
    )


def beside_measured(plan: Plan, target: Target, wall_s: float) -> dict[str, Any]:
    """
    Return what the model had forecast for a run on AWS, beside what was measured.

    Returns:
        JSON fields: the band of seconds, and ``measured_to_median``.
    """
    low, median, high = forecast(planned(plan, target), _DRAWS).time
    return {
        "low_s": low,
        "median_s": median,
        "high_s": high,
        "measured_to_median": wall_s / median,
    }
