"""The cost of runs that are over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from experiment.cost.billable_usage import used_by
from rollout.price import Bill, bill, in_dollars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from experiment.plan.run_plan import Plan
    from rollout.target.connection import Target

_BASIS = "time as billed by Lambda, traffic and logs as estimated"
_PROJECTED_BASIS = "projected: time as on this machine, traffic and logs as estimated"
_LOCAL = "local: no dollars; on AWS it would have cost"


@dataclass(frozen=True)
class Cost:
    """
    The cost of a run.

    Attributes:
        bill: What Lambda says it billed.

        is_local: Whether nothing was billed: these are the dollars on AWS.

        unheard: Calls that may have run, but never returned.

        at_most: Their dollars, if they ran into their timeout.

        pilots: The dollars of the pilots before it, which `bill` leaves out.
    """

    bill: Bill
    is_local: bool
    unheard: int
    at_most: float
    pilots: float = 0.0

    def __str__(self) -> str:
        """Return it as text."""
        total = in_dollars(self.bill.dollars)
        head = f"cost: {total}, {_BASIS}:"
        if self.is_local:
            head = f"{_LOCAL} {total} ({_PROJECTED_BASIS}):"
        lines = [head, *self.bill.lines()]
        if self.unheard:
            lines.append(
                f"{self.unheard:,} calls never returned: at most "
                f"{in_dollars(self.at_most)} more"
            )
        if self.pilots:
            lines.append(f"pilots before it: {in_dollars(self.pilots)} more")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON fields; dollars of a local run are marked as projected."""
        name = "projected_usd" if self.is_local else "usd"
        return {
            name: self.bill.dollars,
            "items": [
                {"what": item.what, "amount": item.amount, name: item.dollars}
                for item in self.bill.items
            ],
            "unheard": self.unheard,
            f"unheard_at_most_{name}": self.at_most,
        }


def cost_of(plan: Plan, shards: pd.DataFrame, target: Target) -> Cost:
    """Price what was billed, by the REPORT lines in a `shards_table`."""
    billed = shards[shards["billed_s"] > 0]
    files, body_bytes = int(billed["ok"].sum()), int(billed["body_bytes"].sum())
    used = replace(
        used_by(plan, target, len(billed), files, body_bytes),
        billed_s=float(billed["billed_s"].sum()),
    )
    unheard = int(shards["billed_s"].isna().sum() + shards["hedges"].sum())
    unknown = replace(
        used_by(plan, target, unheard, 0, 0),
        billed_s=unheard * plan.settings.timeout_s,
    )
    most, pilots = bill(unknown).dollars, plan.pilot.get("usd", 0.0)
    return Cost(bill(used), not target.asks_iam, unheard, most, pilots)


def cost_of_grid(records: Sequence[Mapping[str, Any]]) -> str:
    """Say in a line what a grid has cost."""
    costs = [record["cost"] for record in records]
    if "usd" in costs[0]:
        pilots = sum(map(_of_pilots, records))
        of_pilots = f", {in_dollars(pilots)} of it for pilots" if pilots else ""
        return f"cost: {in_dollars(spent(records))}{of_pilots}, {_BASIS}"
    total = sum(cost["projected_usd"] for cost in costs)
    return f"{_LOCAL} {in_dollars(total)} ({_PROJECTED_BASIS})"


def spent(records: Sequence[Mapping[str, Any]]) -> float:
    """Return the dollars of runs and their pilots, which is nothing for local ones."""
    runs = sum(record.get("cost", {}).get("usd", 0.0) for record in records)
    return float(runs + sum(map(_of_pilots, records)))


def spent_at_most(record: Mapping[str, Any]) -> float:
    """Return the same of one run, if calls that never returned took their timeout."""
    unheard = record.get("cost", {}).get("unheard_at_most_usd", 0.0)
    return spent([record]) + float(unheard)


def _of_pilots(record: Mapping[str, Any]) -> float:
    return float(record.get("pilot", {}).get("usd", 0.0))
