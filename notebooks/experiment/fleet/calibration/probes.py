"""The runs that show what nobody has published, for cents, and what they showed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from aws_facts.fleet_constants import constant
from experiment.cost import price_estimate, spending_limit
from experiment.fleet.calibration import estimators
from experiment.fleet.calibration.estimators import by_memory, joined
from experiment.fleet.forecast_questions import question_of
from experiment.ledger.run_folder import open_run
from experiment.parameters.fan_out import EQUAL, FanOutSettings
from experiment.plan.demand import demand_of
from experiment.plan.run_plan import make_plan
from experiment.run.fan_out import fan_out
from experiment.tables.run_result import result_of
from rollout.deploy.deployment import deploy
from rollout.preflight.checks import check, check_may_invoke

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from experiment.fleet.calibration.estimators import Figure, Unknown
    from experiment.session import Session

LARGE, MEDIUM, SMALL = SIZES = ("large", "medium", "small")
SIZES_KB = {LARGE: 17_000, MEDIUM: 1_700, SMALL: 10}
MEMORIES_MB = (1_024, 1_769, 3_008)
_ONE_VCPU_MB = 1_769
_TIMEOUT_S = 60
_MOST_USD = 0.25
_NOTEBOOK = "20_fan_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """
    What to measure, and where.

    Attributes:
        function: Its name; it is deployed anew for each probe.

        templates: URLs in S3 by size, one of `SIZES`, with ``{number}``.

        architectures: The processors to measure.

        files: Large ones that one execution downloads: enough to use up its credit.

        executions: How many are compared to show their tail, at most.

        memories_mb: Those whose bandwidth is measured.

        allow_private: Whether S3 may be at a private address, of a VPC endpoint.
    """

    function: str
    templates: Mapping[str, str]
    architectures: tuple[str, ...] = ("arm64", "x86_64")
    files: int = 80
    executions: int = 100
    memories_mb: tuple[int, ...] = MEMORIES_MB
    allow_private: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many files of each size there have to be."""
        return {
            LARGE: max(self.files, self.executions * self._each),
            MEDIUM: 3 * self.files,
            SMALL: 4 * self.files,
        }

    @property
    def _each(self) -> int:
        return max(1, self.files // 10)

    def settings(self) -> Iterator[tuple[str, FanOutSettings]]:
        """Yield the name and the settings of every probe."""
        few, more = self.counts[SMALL], self.counts[MEDIUM]
        for memory_mb in self.memories_mb:
            yield f"bandwidth-{memory_mb}", self._one(LARGE, memory_mb=memory_mb)
        for one in self.architectures:
            speed = {"files": more, "shards_per_execution": 4, "architecture": one}
            yield f"speed-{one}", self._one(MEDIUM, **speed)
        yield "first-byte", self._one(SMALL, files=few, connections=1)
        many = {"files": self.executions * self._each, "concurrency": self.executions}
        yield "tail", self._one(LARGE, **many)

    def _one(self, size: str, **known: Any) -> FanOutSettings:  # noqa: ANN401
        """Return settings of one execution that starts cold, but for what is known."""
        usual: dict[str, Any] = {
            "target": "aws",
            "function": self.function,
            "architecture": self.architectures[0],
            "url_template": self.templates[size],
            "file_kb": SIZES_KB[size],
            "files": self.files,
            "concurrency": 1,
            "shards_per_execution": 1,
            "connections": 20,
            "allow_private": self.allow_private,
            "memory_mb": _ONE_VCPU_MB,
            "timeout_s": _TIMEOUT_S,
            "sink": "discard",
            "hedge": False,
            "shard_sizes": EQUAL,
            "waves": 1,
            "fresh": True,
            "max_cost_usd": _MOST_USD,
        }
        return FanOutSettings(**usual | known)

    def allowed(self, session: Session) -> Probes:
        """Return the same with as many executions as the account may run."""
        account = session.target.client("lambda").get_account_settings()
        free = int(account["AccountLimit"]["UnreservedConcurrentExecutions"])
        return replace(self, executions=max(1, min(self.executions, free)))


class Tables(NamedTuple):
    """
    A run that has ended.

    Attributes:
        settings: What was measured.

        totals: The figures of `experiment.tables.run_totals.totals`.

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
    spending_limit.check(settings, price_estimate.estimate(plan, session.target))
    deploy(session.target, plan.worker())
    check_may_invoke(session.target, settings.function)
    run = open_run(_NOTEBOOK, settings, plan.folder, region=session.target.region)
    asyncio.run(fan_out(plan, session.target, run, shows_progress=False))
    shards = result_of(run, plan).shards
    run.close(verdict="")
    downloads = pd.read_parquet(folder / "downloads.parquet")
    return Tables(settings, run.record["totals"], downloads, shards)


def told_by(runs: Mapping[str, Tables]) -> tuple[dict[str, Figure], dict[str, str]]:
    """Return the constants that runs show, and why others could not be told."""
    several: dict[str, list[tuple[FanOutSettings, Figure]]] = {}
    unknown: dict[str, str] = {}
    for probe, made in runs.items():
        if why := _failed(made):
            unknown[probe] = why
            continue
        for name, figure in _told(probe, made).items():
            if isinstance(figure, str):
                unknown[f"{name}, {probe}"] = figure
            else:
                several.setdefault(name, []).append((made.settings, figure))
    return {name: _one_of(found) for name, found in several.items()}, unknown


def _one_of(found: Sequence[tuple[FanOutSettings, Figure]]) -> Figure:
    of_memories = {settings.memory_mb: figure for settings, figure in found}
    one = joined([figure for _, figure in found])
    if len(of_memories) > 1:
        one = by_memory(of_memories)
    architectures = sorted({settings.architecture for settings, _ in found})
    return one._replace(architecture=" and ".join(architectures))


def _failed(made: Tables) -> str:
    """Return how many files failed, and why the first did; empty: none."""
    failed = made.downloads[made.downloads["outcome"] != "ok"]
    if failed.empty:
        return ""
    first = failed.iloc[0]
    return (
        f"{len(failed):,} of {len(made.downloads):,} files failed, the first as "
        f"{first['outcome']}: {first['detail']}"
    )


def _told(probe: str, made: Tables) -> dict[str, Figure | Unknown]:
    kind, _, what = probe.partition("-")
    if kind == "bandwidth":
        share = min(1.0, int(what) / constant("vcpu_memory_mb").value)
        return estimators.bandwidth(made.downloads, made.shards, share)
    if kind == "speed":
        question = question_of(made.settings)
        return {
            f"{what}_slowdown": estimators.slowdown(question, made.shards),
            "cold_start_s": estimators.cold_start(made.shards),
        }
    if kind == "first":
        return {"first_byte_s": estimators.first_byte(made.downloads)}
    return {"tail_scale": estimators.tail_scale(made.shards)}
