"""The parameters cell of a notebook, checked before anything starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from experiment.parameters import parameters_set, unknown_parameter
from fetcher.guard import without_credentials
from fetcher.options import Options, SinkSpec, check_one_of, check_types
from rollout.target import NAMES as TARGETS
from rollout.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_SIZES = 4  # as many lines as a chart can tell apart


class SettingsError(ValueError):
    """A parameter is missing, unknown, of the wrong type or out of range."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    What every notebook that touches a target needs.

    Attributes:
        target: ``local`` or ``aws``.

        endpoint_url:
            A running local endpoint; empty: one is started and stopped again.

        function: Name of the Lambda function.

        memory_mb: The function's memory; processor share follows it.

        timeout_s: Longest time of one invocation.

        tmp_mb: Size of an execution's ``/tmp``.
    """

    target: str = "local"
    endpoint_url: str = ""
    function: str = "million-downloads"
    memory_mb: int = 1_769
    timeout_s: int = 60
    tmp_mb: int = 512

    def __post_init__(self) -> None:
        """Refuse what could not work, in the words of the parameters cell."""
        try:
            self._check()
        except (TypeError, ValueError) as error:
            msg = f"{error} Set it in the notebook's parameters cell."
            raise SettingsError(msg) from error

    def _check(self) -> None:
        check_types(self)
        check_one_of("target", self.target, TARGETS)
        self.worker()

    def worker(self) -> Worker:
        """Return the function to deploy."""
        return Worker(
            name=self.function,
            memory_mb=self.memory_mb,
            timeout_s=self.timeout_s,
            tmp_mb=self.tmp_mb,
        )

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, Any]) -> Self:
        """
        Read the settings from a notebook's variables.

        Args:
            namespace: The notebook's ``globals()``.

        Raises:
            SettingsError: If a parameter is wrong, or one is set that does not exist,
                which papermill only warns about.
        """
        known = [item.name for item in fields(cls)]
        for name in parameters_set(namespace.get("In", [])):
            if name not in known:
                raise SettingsError(unknown_parameter(name, known))
        return cls(**{name: namespace[name] for name in known if name in namespace})

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON fields."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class DownloadSettings(Settings):
    """
    What every notebook that downloads needs besides.

    Attributes:
        origin_url: A running origin to fetch from; empty: the local endpoint's own.

        files: How many files a run downloads.

        connections: Downloads in flight inside one execution.

        shards_per_execution:
            Invocations each execution serves, one after the other. More of them show
            progress earlier and leave less to do again if one fails.

        engine: What downloads: see `fetcher.options.ENGINES`.

        sink: Where bodies go: ``directory`` (the execution's /tmp) or ``discard``.

        run_folder: Where results go; empty: a new folder in ``results/``.
    """

    origin_url: str = ""
    files: int = 400
    connections: int = 20
    shards_per_execution: int = 4
    engine: str = "curl"
    sink: str = "directory"
    run_folder: str = ""

    def _check(self) -> None:
        super()._check()
        for name in ("files", "shards_per_execution"):
            at_least_one(name, getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class FanOutSettings(DownloadSettings):
    """
    One setting to measure: so many files, so wide.

    Attributes:
        url_template: URLs with ``{number}`` in them, fetched instead of an origin's.

        url_list: A file of URLs, fetched instead, and whole, whatever `files` says.

        allow_private:
            Whether URLs of one's own may lead to loopback and private addresses.

        file_kb: Size of the origin's files, in kB of 1,000 bytes.

        concurrency: Executions at once.

        waves: Rounds of invocations; what one leaves unfinished goes into the next.

        attempts: Tries per URL where trying again may help.

        repeat: Which repetition of the same setting this is, from 1.

        tear_down: Remove the function afterwards.
    """

    url_template: str = ""
    url_list: str = ""
    allow_private: bool = False
    file_kb: int = 10
    concurrency: int = 2
    waves: int = 2
    attempts: int = 3
    repeat: int = 1
    tear_down: bool = True

    def _check(self) -> None:
        super()._check()
        for name in ("file_kb", "concurrency", "waves", "repeat"):
            at_least_one(name, getattr(self, name))
        for name in ("origin_url", "url_template"):
            check_no_credentials(name, getattr(self, name))
        if sum(map(bool, (self.origin_url, self.url_template, self.url_list))) > 1:
            msg = "Of origin_url, url_template and url_list, set one at most."
            raise ValueError(msg)
        if not self.url_list and self.shards > self.files:
            msg = (
                f"concurrency {self.concurrency:,} × shards_per_execution "
                f"{self.shards_per_execution:,} makes {self.shards:,} shards, more "
                f"than the {self.files:,} files; every shard needs one."
            )
            raise ValueError(msg)
        self.options(allow_private=False)
        SinkSpec(kind=self.sink)

    @property
    def brings_urls(self) -> bool:
        """Whether files come from the user's URLs, of sizes nobody knows yet."""
        return bool(self.url_template or self.url_list)

    @property
    def shards(self) -> int:
        """Invocations in the first wave."""
        return self.concurrency * self.shards_per_execution

    def options(self, *, allow_private: bool) -> Options:
        """Return how a shard fetches."""
        return Options(
            connections=self.connections,
            engine=self.engine,
            attempts=self.attempts,
            allow_private=allow_private,
        )


@dataclass(frozen=True, kw_only=True)
class GridSettings(DownloadSettings):
    """
    A grid of settings: concurrency × file size, each measured several times.

    Attributes:
        file_kb: The sizes, in kB of 1,000 bytes.

        concurrency: The widths: executions at once.

        repeats: Runs of each setting; charts show the median.
    """

    file_kb: list[int] = field(default_factory=lambda: [10, 100])
    concurrency: list[int] = field(default_factory=lambda: [1, 2, 4])
    repeats: int = 2

    def _check(self) -> None:
        super()._check()
        for name in ("file_kb", "concurrency"):
            _distinct_counts(name, getattr(self, name))
        if len(self.file_kb) > MOST_SIZES:
            msg = (
                f"file_kb has {len(self.file_kb)} sizes; a chart shows {MOST_SIZES} at "
                "most. Measure the others in a grid of their own."
            )
            raise ValueError(msg)
        at_least_one("repeats", self.repeats)
        for _ in self.cells():
            pass  # making a cell's settings checks them

    def cells(self) -> Iterator[FanOutSettings]:
        """
        Yield the settings of each cell.

        Repeats are the outer loop, so that a machine's drift falls on every setting
        alike.
        """
        shared = {
            item.name: getattr(self, item.name)
            for item in fields(DownloadSettings)
            if item.name != "run_folder"  # the grid's; each cell has its own in it
        }
        for repeat in range(1, self.repeats + 1):
            for file_kb in self.file_kb:
                for concurrency in self.concurrency:
                    yield FanOutSettings(
                        **shared,
                        file_kb=file_kb,
                        concurrency=concurrency,
                        repeat=repeat,
                        tear_down=False,
                    )


def check_no_credentials(name: str, url: str) -> None:
    """Refuse a URL with a password in it: results are kept, and shown to others."""
    if without_credentials(url) != url:
        msg = (
            f"{name} holds a user name or password, which would stand in the results. "
            "Use `fetcher` for such URLs: its report masks them."
        )
        raise SettingsError(msg)


def at_least_one(name: str, value: int) -> None:
    """Refuse a count of nothing."""
    if value < 1:
        msg = f"{name} is {value:,}; it must be at least 1."
        raise ValueError(msg)


def _distinct_counts(name: str, values: list[int]) -> None:
    whole = isinstance(values, list) and all(type(value) is int for value in values)
    if not whole or not values or len(set(values)) != len(values):
        msg = f"{name} is {values!r}; it must be a list of different whole numbers."
        raise ValueError(msg)
    for value in values:
        at_least_one(name, value)
