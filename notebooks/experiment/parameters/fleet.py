"""The parameters of a question to the model of the fleet, checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from experiment.fleet.question import S3, SOURCES
from experiment.parameters.checks import at_least_one, more_than_0
from experiment.parameters.fan_out import FanOutSettings
from fetcher.contract.options import check_one_of


@dataclass(frozen=True, kw_only=True)
class FleetSettings(FanOutSettings):
    """
    A fleet to ask the model about.

    >>> FleetSettings(sizes_kb=[10, 10, 4_000]).sizes_bytes
    (10000.0, 10000.0, 4000000.0)

    Attributes:
        sizes_kb: Sizes of a sample of the files, in kB; empty: all have `file_kb`.

        sample:
            Rows of a `url_list` whose sizes are looked up. Such a list also says how
            many files there are, and where.

        deadline_s, budget_usd: What the fleet should keep to.

        comes_from, prefixes, cold, bandwidth_raised:
            As `source`, `read_prefixes`, `is_cold` and `bandwidth_raised` in
            `Question`.

        latency_ms: To the first byte of a file, in ms; 0: that of S3.

        draws: Draws of the model.
    """

    files: int = 1_000_000
    file_kb: int = 1_700
    concurrency: int = 1_000
    connections: int = 100
    shards_per_execution: int = 8
    sink: str = "discard"
    sizes_kb: list[int] = field(default_factory=list)
    sample: int = 200
    deadline_s: int = 60
    budget_usd: float = 2.0
    comes_from: str = S3
    prefixes: int = 16
    latency_ms: int = 0
    cold: bool = True
    bandwidth_raised: bool = False
    draws: int = 1_000

    def _check(self) -> None:
        super()._check()
        check_one_of("comes_from", self.comes_from, SOURCES)
        for name in ("deadline_s", "prefixes", "draws", "sample"):
            at_least_one(name, getattr(self, name))
        for size in self.sizes_kb:
            at_least_one("sizes_kb", size)
        more_than_0("budget_usd", self.budget_usd)
        if self.latency_ms < 0:
            msg = f"latency_ms is {self.latency_ms}; it must be 0 or more."
            raise ValueError(msg)

    @property
    def sizes_bytes(self) -> tuple[float, ...]:
        """Sizes of a sample of the files."""
        return tuple(size * 1_000.0 for size in self.sizes_kb or [self.file_kb])
