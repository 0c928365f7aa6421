"""Everything billable that a plan uses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from experiment.fleet.dollars import usage_of
from experiment.fleet.forecast_questions import planned

if TYPE_CHECKING:
    from experiment.plan.run_plan import Plan
    from rollout.price import Billable
    from rollout.target.connection import Target


def used_by(
    plan: Plan, target: Target, invocations: int, files: int, body_bytes: int
) -> Billable:
    """Return everything billable that invocations of a plan use, except time."""
    used = usage_of(
        planned(plan, target.region),
        invocations=invocations,
        files=files,
        body_bytes=body_bytes,
    )
    on_efs = plan.settings.efs and plan.settings.sink == "directory"
    return replace(used, efs_bytes=body_bytes if on_efs else 0)
