"""What a plan will cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from experiment.cost.billable_usage import used_by
from experiment.fleet.forecast import band, forecast
from experiment.fleet.forecast_questions import planned
from experiment.fleet.sentences import run_in_words
from experiment.plan.url_facts import file_bytes
from rollout.price import LOG_BYTES, Bill, Billable, bill, in_dollars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiment.parameters.fan_out import FanOutSettings
    from experiment.plan.run_plan import Plan
    from rollout.target.connection import Target

# docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
_LONGEST_INIT_S = 10
_SHORTEST_S = 0.001
_HEDGED = 20  # one in so many shards, at most
_DRAWS = 100
_OF_A_PILOT = (
    "That is the price of pilots; a run is priced again when its number of files is "
    "known, and does not start if it may cost more than max_cost_usd."
)
_PROJECTED = "none, it is local; projected to AWS: "


@dataclass(frozen=True)
class Estimate:
    """
    The price of a plan.

    Attributes:
        least:
            If the fleet is as fast as in the best twentieth of the model's draws, and
            nothing is retried.

        most: If every invocation runs into its timeout, in every wave.

        is_local: Whether these are the dollars of the same run on AWS.

        notes: What to know beside the figures.

        remedy: What to change if it is too much.

        forecast: How long it would take on AWS, and what would bind, in lines.
    """

    least: Bill
    most: Bill
    is_local: bool
    notes: tuple[str, ...]
    remedy: str
    forecast: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as text, with the items of the upper bound."""
        where = _PROJECTED if self.is_local else ""
        low, high = in_dollars(self.least.dollars), in_dollars(self.most.dollars)
        head = (
            f"dollars: {where}from {low}, if all goes as well as the model expects, "
            f"to {high}, if every invocation runs into its timeout:"
        )
        return "\n".join((head, *self.most.lines(), *self.forecast, *self.notes))


def estimate(plan: Plan, target: Target) -> Estimate:
    """Price a plan before anything is spent."""
    settings = plan.settings
    shards = plan.shards
    each, guess = file_bytes(plan.urls, plan.settings)
    body_bytes = plan.files * each
    question = planned(plan, target.region)
    made = forecast(question, _DRAWS)
    least = used_by(plan, target, shards, plan.files, body_bytes)
    hedges = max(1, shards // _HEDGED) if settings.hedge else 0
    invocations = settings.waves * (shards + hedges)
    inits_s = settings.concurrency * _LONGEST_INIT_S
    tries = settings.waves * settings.attempts
    most = replace(
        least,
        invocations=invocations,
        billed_s=invocations * settings.timeout_s + inits_s,
        log_bytes=invocations * LOG_BYTES,
        s3_writes=least.s3_writes * settings.waves,
        s3_reads=least.s3_reads * tries,
        between_regions_bytes=least.between_regions_bytes * tries,
        to_internet_bytes=least.to_internet_bytes * tries,
        nat_bytes=least.nat_bytes * tries,
        efs_bytes=least.efs_bytes * settings.waves,
    )
    of_pilot = _OF_A_PILOT if plan.is_pilot else ""
    price_gap = f"No source here has {target.region}'s own price where one is assumed."
    notes = (of_pilot, guess, price_gap if bill(most).assumes else "")
    quick_s = band(made.billed_s).low + shards * _SHORTEST_S
    return Estimate(
        bill(replace(least, billed_s=min(quick_s, most.billed_s))),
        bill(most),
        not target.asks_iam,
        tuple(filter(None, notes)),
        _remedy(most, settings),
        tuple(run_in_words(question, made)),
    )


def price_of_grid(estimates: Sequence[Estimate]) -> str:
    """Say in a line what a grid will cost."""
    least = sum(one.least.dollars for one in estimates)
    most = sum(one.most.dollars for one in estimates)
    where = _PROJECTED if estimates[0].is_local else ""
    note = f". {_OF_A_PILOT}" if _OF_A_PILOT in estimates[0].notes else ""
    return (
        f"dollars: {where}from {in_dollars(least)} to {in_dollars(most)} for "
        f"{len(estimates):,} runs{note}"
    )


def _remedy(most: Billable, settings: FanOutSettings) -> str:
    """Say how to bring the cost down to the limit."""
    items = bill(most).items
    by_time = sum(item.dollars for item in items if "-seconds" in item.what)
    rest = sum(item.dollars for item in items) - by_time
    billed_s = most.billed_s * (settings.max_cost_usd - rest) / by_time
    timeout_s = settings.timeout_s - (most.billed_s - billed_s) / most.invocations
    if timeout_s < 1:
        dearest = max(items, key=lambda item: item.dollars)
        amount = f"{dearest.amount:,.0f} {dearest.what}"
        return f"The largest item is {amount}: set fewer `files` or `waves`."
    return (
        f"Set `timeout_s` to {int(timeout_s):,}, less `memory_mb`, or fewer "
        "`waves`, `shards_per_execution` or `files`."
    )
