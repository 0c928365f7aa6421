"""The runs that show what nobody has published, for cents, and what they showed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_facts.fleet_constants import constant
from experiment.fleet.asking import question_of
from experiment.fleet.calibration import estimators
from experiment.fleet.calibration.estimators import by_memory, joined
from experiment.fleet.calibration.runs import Tables, measured
from experiment.parameters.fan_out import EQUAL, FanOutSettings

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
        for memory_mb in self.memories_mb:
            yield f"bandwidth-{memory_mb}", self._one(LARGE, memory_mb=memory_mb)
        for architecture in self.architectures:
            speed = self._one(MEDIUM, files=self.counts[MEDIUM], shards_per_execution=4)
            yield f"speed-{architecture}", replace(speed, architecture=architecture)
        small = self._one(SMALL, files=self.counts[SMALL])
        yield "first-byte", replace(small, connections=1)
        many = self._one(LARGE, files=self.executions * self._each)
        yield "tail", replace(many, concurrency=self.executions)

    def _one(
        self,
        size: str,
        *,
        files: int = 0,
        memory_mb: int = _ONE_VCPU_MB,
        shards_per_execution: int = 1,
    ) -> FanOutSettings:
        """Return the settings of one execution that starts cold."""
        return FanOutSettings(
            target="aws",
            function=self.function,
            architecture=self.architectures[0],
            url_template=self.templates[size],
            file_kb=SIZES_KB[size],
            files=files or self.files,
            concurrency=1,
            shards_per_execution=shards_per_execution,
            connections=20,
            allow_private=self.allow_private,
            memory_mb=memory_mb,
            timeout_s=_TIMEOUT_S,
            sink="discard",
            hedge=False,
            shard_sizes=EQUAL,
            waves=1,
            fresh=True,
            max_cost_usd=_MOST_USD,
        )

    def executions_allowed(self, session: Session) -> int:
        """Return how many executions the account may run for the tail."""
        account = session.target.client("lambda").get_account_settings()
        free = account["AccountLimit"]["UnreservedConcurrentExecutions"]
        return max(1, min(self.executions, int(free)))


def run(probes: Probes, session: Session, folder: Path) -> Iterator[tuple[str, Tables]]:
    """
    Run every probe, each in a folder of its own; yield its name and tables.

    Raises:
        rollout.errors.RolloutError: If one cannot be run, or may cost too much.
    """
    allowed = probes.executions_allowed(session)
    for name, settings in replace(probes, executions=allowed).settings():
        yield name, measured(settings, session, folder / name)


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
