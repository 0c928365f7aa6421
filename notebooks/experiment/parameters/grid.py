"""The parameters of a grid: what varies, and in which order it is measured."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import product
from typing import TYPE_CHECKING, Any

from experiment.parameters.checks import at_least_one, check_different
from experiment.parameters.fan_out import EQUAL, FanOutSettings
from experiment.parameters.settings import DownloadSettings
from fetcher.contract.options import SinkSpec
from fetcher.s3.urls import SCHEME

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_THE_GRID = {"run_folder", "settings_file", "show"}
MOST_SIZES = 4  # lines that a chart can keep apart


@dataclass(frozen=True, kw_only=True)
class GridSettings(DownloadSettings):
    """
    A grid of settings, each measured cold once, then warm several times.

    >>> grid = GridSettings(file_kb=[10], concurrency=[1, 2], repeats=3)
    >>> len(list(grid.cells()))
    8

    Attributes:
        duration_s: How long each run downloads steadily, if `files` is 0.

        file_kb: The file sizes, in kB of 1,000 bytes.

        concurrency: The numbers of executions at once.

        memories_mb: The function's memory sizes; empty: `memory_mb` alone.

        engines: The engines; empty: `engine` alone.

        sinks:
            The sinks; empty: `sink` alone. `sink_path` is for those it fits.

        repeats:
            Warm runs of each setting; charts and the verdict use their median. With
            several memory sizes there are as many cold ones, because a change of memory
            replaces all executions.
    """

    duration_s: float = 1.5
    file_kb: list[int] = field(default_factory=lambda: [10])
    concurrency: list[int] = field(default_factory=lambda: [1, 2, 4])
    memories_mb: list[int] = field(default_factory=list)
    engines: list[str] = field(default_factory=list)
    sinks: list[str] = field(default_factory=list)
    repeats: int = 3

    def _check(self) -> None:
        super()._check()
        for name in ("file_kb", "concurrency"):
            check_different(name, getattr(self, name), int, least=1)
        check_different("memories_mb", self.memories_mb, int)
        check_different("engines", self.engines, str)
        check_different("sinks", self.sinks, str)
        if len(self.file_kb) > MOST_SIZES:
            msg = (
                f"file_kb has {len(self.file_kb)} sizes; a chart shows at most "
                f"{MOST_SIZES}. Measure the others in another grid."
            )
            raise ValueError(msg)
        at_least_one("repeats", self.repeats)
        for _ in self.cells():
            pass  # making a cell's settings checks them

    def cells(self) -> Iterator[FanOutSettings]:
        """
        Yield the settings of each cell, in the order they are measured.

        Repeats are the outer loop, so that any drift of the machine affects every
        setting alike; then comes memory, which takes some seconds to change. A setting
        is measured cold, with executions that are all new, then at once warm, with the
        same ones; later repeats are warm.
        """
        for repeat, memory_mb, engine, sink, file_kb, concurrency in product(
            range(1, self.repeats + 1),
            self.memories_mb or [self.memory_mb],
            self.engines or [self.engine],
            self.sinks or [self.sink],
            self.file_kb,
            self.concurrency,
        ):
            varied = {
                "memory_mb": memory_mb,
                "engine": engine,
                "sink": sink,
                "sink_path": self._path_for(sink),
                "file_kb": file_kb,
                "concurrency": concurrency,
                "repeat": repeat,
            }
            is_cold_too = repeat == 1 or len(self.memories_mb) > 1
            for fresh in (True, False) if is_cold_too else (False,):
                yield FanOutSettings(
                    **self._shared | varied,
                    fresh=fresh,
                    tear_down=False,
                    shard_sizes=EQUAL,  # what differs is the setting, not who did more
                )

    def sink_spec(self) -> SinkSpec:
        """Return where bodies go unless the grid varies it."""
        return SinkSpec(kind=self.sink, path=self._path_for(self.sink))

    def _path_for(self, sink: str) -> str:
        """Return `sink_path`, unless it is for another sink of the grid."""
        fits = self.sink_path.startswith(SCHEME) == sink.startswith("s3-")
        return self.sink_path if fits or not self.sinks else ""

    @property
    def _shared(self) -> dict[str, Any]:
        """The settings that all cells share; each has a run folder of its own."""
        return {
            item.name: getattr(self, item.name)
            for item in fields(DownloadSettings)
            if item.name not in _OF_THE_GRID
        }

    def name_of(self, cell: FanOutSettings) -> str:
        """
        Return the name of a cell.

        >>> grid = GridSettings(engines=["curl", "aiohttp"], repeats=1)
        >>> grid.name_of(next(grid.cells()))
        '10kB-c1-curl-cold-r1'
        """
        parts = [f"{cell.file_kb}kB", f"c{cell.concurrency}"]
        parts += [f"{cell.memory_mb}MB"] if self.memories_mb else []
        parts += [cell.engine] if self.engines else []
        parts += [cell.sink] if self.sinks else []
        parts += ["cold" if cell.fresh else "warm", f"r{cell.repeat}"]
        return "-".join(parts)
