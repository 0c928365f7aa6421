"""A pilot: a few files, then more, until it is known how many a run needs."""

from __future__ import annotations

import uuid
from dataclasses import replace
from math import floor, log10
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from experiment.cost import actual_cost, price_estimate, spending_limit
from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import Run
from experiment.plan.demand import demand_of
from experiment.run.fan_out import fan_out
from experiment.run.wave import FanOutError
from experiment.tables.projection.projected_million import projection_of
from experiment.tables.shards_table import shards_table
from rollout.deploy.deployment import deploy
from rollout.errors import PreflightError
from rollout.preflight import checks

if TYPE_CHECKING:
    from experiment.plan.run_plan import Plan
    from rollout.target.connection import Target

_LONG_ENOUGH_S = 0.4  # of steady downloading, to know its rate
_AIMED_S = 0.7
_MOST_TIMES = 16  # as many files as the pilot before: its rate may be far too low
_MOST_PILOTS = 5


class PilotError(RuntimeError):
    """A pilot has run, and what it found cannot be run."""


async def sized(plan: Plan, target: Target) -> Plan:
    """
    Return a plan with as many files as download steadily for `duration_s`.

    The function has been deployed for it. Its executions are replaced after the pilot,
    so that the run starts as cold as it would have without.

    Returns:
        The same plan if the number of its files is known.

    Raises:
        PilotError: If the target cannot take so many files, or the pilots and the run
            together may cost too much.

        FanOutError: If the target no longer answers.
    """
    if not plan.is_pilot:
        return plan
    spent, shards = 0.0, plan.settings.shards
    for others in reversed(range(_MOST_PILOTS)):
        rate, steady_s, dollars = await _measured(plan, target)
        spent += dollars
        if steady_s >= _LONG_ENOUGH_S or not rate or not others:
            break
        times = min(_MOST_TIMES, max(2, _AIMED_S / max(steady_s, 1e-9)))
        plan = plan.of_files(rounded(plan.settings.files * times, least=shards))
        _check(plan, target, spent)
    pilot = {"files": plan.settings.files, "files_per_s": rate, "usd": spent}
    if rate:
        files = rounded(rate * plan.settings.duration_s, least=shards)
        plan = plan.of_files(files)
    plan = replace(plan, is_pilot=False, pilot=pilot)
    _check(plan, target, spent)
    deploy(target, replace(plan.worker(), start=uuid.uuid4().hex))
    return plan


def _check(plan: Plan, target: Target, spent: float) -> None:
    try:
        checks.check(target, demand_of(plan))
        spending_limit.check(
            plan.settings, price_estimate.estimate(plan, target), spent=spent
        )
    except PreflightError as error:  # its type says that no work was done
        msg = f"The pilot ran, but the full run was refused. {error}"
        raise PilotError(msg) from error


def size_in_words(plan: Plan) -> str:
    """Say how many files a plan has, and why."""
    if not plan.pilot:
        return f"{plan.summary()}. The settings name the number of files."
    return (
        f"A pilot fetched {plan.pilot['files']:,} files, at "
        f"{plan.pilot['files_per_s']:,.0f} a second. {plan.summary()}"
    )


async def _measured(plan: Plan, target: Target) -> tuple[float, float, float]:
    """Return a pilot's steady files per second, how long they lasted, and its cost."""
    if plan.settings.sink == "s3-tar":  # tars would stay, beside those of the run
        discarding = replace(plan.settings, sink="discard", sink_path="")
        plan = replace(plan, settings=discarding)
    with TemporaryDirectory(prefix="pilot-") as folder:
        run = Run(Path(folder), {})
        try:
            await fan_out(plan, target, run, shows_progress=False)
        except FanOutError as error:
            msg = "The target stopped answering during the pilot; nothing was measured."
            raise FanOutError(msg) from error
        finally:
            run.close(verdict="")
        shards = shards_table(read_invocations(run.folder), run="", target=target.name)
    figures = projection_of(shards)
    spent = actual_cost.cost_of(plan, shards, target)
    dollars = 0.0 if spent.is_local else spent.bill.dollars + spent.at_most
    return figures["steady_files_per_s"] or 0.0, figures["steady_s"] or 0.0, dollars


def rounded(files: float, *, least: int) -> int:
    """
    Return two digits of a number of files, but at least so many.

    >>> rounded(12_345, least=8)
    12000
    """
    digits = max(0, floor(log10(max(files, 1))) - 1)
    return max(least, int(round(files / 10**digits) * 10**digits))
