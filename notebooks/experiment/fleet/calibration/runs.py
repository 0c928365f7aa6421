"""One setting measured from code, as `20_fan_out` measures it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from experiment.cost import cost
from experiment.ledger.run_folder import open_run
from experiment.plan.demand import demand_of
from experiment.plan.run_plan import make_plan
from experiment.run.fan_out import fan_out
from experiment.tables.result import result_of
from rollout.deploy.deploy import deploy
from rollout.preflight.checks import check, check_may_invoke

if TYPE_CHECKING:
    from pathlib import Path

    from experiment.parameters.fan_out import FanOutSettings
    from experiment.session import Session

_NOTEBOOK = "20_fan_out"


class Tables(NamedTuple):
    """
    A run that has ended.

    Attributes:
        settings: What was measured.

        totals: The figures of `experiment.tables.table.totals`.

        downloads: One row per URL.

        shards: One row per invocation.
    """

    settings: FanOutSettings
    totals: dict[str, Any]
    downloads: pd.DataFrame
    shards: pd.DataFrame


def measured(settings: FanOutSettings, session: Session, folder: Path) -> Tables:
    """
    Deploy for a setting, run it, and return its tables, kept in a new folder, too.

    Raises:
        rollout.errors.RolloutError: If the target cannot take it, or it may cost more
            than the settings allow.

        FanOutError: If the target no longer answers.
    """
    settings = replace(settings, run_folder=str(folder))
    plan = make_plan(_NOTEBOOK, settings, session)
    check(session.target, demand_of(plan))
    cost.check(settings, cost.estimate(plan, session.target))
    deploy(session.target, plan.worker())
    check_may_invoke(session.target, settings.function)
    run = open_run(_NOTEBOOK, settings, plan.folder, region=session.target.region)
    asyncio.run(fan_out(plan, session.target, run, shows_progress=False))
    shards = result_of(run, plan).shards
    run.close(verdict="")
    downloads = pd.read_parquet(folder / "downloads.parquet")
    return Tables(settings, run.record["totals"], downloads, shards)
