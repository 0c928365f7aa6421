"""The parameters of a fan-out, checked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from experiment.parameters.checks import at_least_one, check_different, check_no_secret
from experiment.parameters.settings import DownloadSettings
from fetcher.contract.options import Options, check_one_of
from fetcher.lists.columns import Columns
from fetcher.s3.urls import SCHEME
from fetcher.transfer.flow.adaptive_limit import FIRST

if TYPE_CHECKING:
    from rollout.deploy.deployment import FunctionSpec

COUNT, BYTES, HOST = WAYS = ("count", "bytes", "host")

_PILOT_ROUNDS = 4
EQUAL, FALLING = SIZES = ("equal", "falling")
OWN, NGINX = ORIGINS = ("own", "nginx")


@dataclass(frozen=True, kw_only=True)
class FanOutSettings(DownloadSettings):
    """
    One setting to measure.

    >>> settings = FanOutSettings(files=1_000, concurrency=5, sink="discard")
    >>> settings.shards, settings.shards_per_execution, settings.target
    (20, 4, 'local')

    Attributes:
        origin:
            The server of the experiment's files on this machine: ``own``, the project's
            own; or ``nginx``, which is faster, if it is installed.

        url_template:
            URLs with ``{number}`` in them, or its remainder as in ``{number%16}``, to
            fetch instead of an origin's. ``s3://bucket/key`` is read with the
            permissions of the function's role.

        url_list:
            A file of URLs to fetch instead, all of them, whatever `files` says; or
            ``s3://bucket/key``, with credentials in the environment.

        url_column, name_column, sha256_column:
            The columns of `url_list`, see `fetcher.lists.columns.Columns`; empty: they
            are found by their names.

        sources:
            What the function's role may read for ``s3://`` lines of a `url_list`, as
            ``s3://bucket/prefix``.

        allow_private:
            Whether the user's own URLs may lead to loopback and private addresses.

        file_kb: Size of the origin's files, in kB of 1,000 bytes.

        concurrency: Executions at once.

        deal_by:
            How a `url_list` is split into shards, one of `WAYS`. ``count``: as many
            URLs each; ``bytes``: as many bytes each, for a list with such a column;
            ``host``: few hosts each, to share look-ups and connections.

        shard_sizes:
            One of `SIZES`. ``falling``: shards get smaller towards the end, so that
            executions which are late or slow hold up the others less. ``equal``: all
            executions do the same, as comparisons need it.

        waves: Rounds of invocations; each takes up URLs that the one before left
            without an outcome, or that may get a better one.

        hedge: Whether the last few shards are sent again if they take long.

        attempts: Attempts per URL, where a retry can help.

        resume: Resume the run in `run_folder`: fetch what has no outcome there.

        retry_failed: Fetch again what is not ok there.

        repeat: The number of this repetition of the setting, from 1.

        fresh: Replace the function's executions first, so that all start cold.

        tear_down: Remove the function afterwards.
    """

    origin: str = OWN
    url_template: str = ""
    url_list: str = ""
    url_column: str = ""
    name_column: str = ""
    sha256_column: str = ""
    sources: list[str] = field(default_factory=list)
    allow_private: bool = False
    file_kb: int = 10
    concurrency: int = 2
    deal_by: str = "count"
    shard_sizes: str = FALLING
    waves: int = 2
    hedge: bool = True
    attempts: int = 3
    repeat: int = 1
    fresh: bool = False
    tear_down: bool = True
    resume: bool = False
    retry_failed: bool = False

    def _check(self) -> None:
        check_different("sources", self.sources, str)  # `worker` iterates over it
        super()._check()
        for name in ("file_kb", "concurrency", "waves", "repeat"):
            at_least_one(name, getattr(self, name))
        check_one_of("origin", self.origin, ORIGINS)
        for name in ("origin_url", "url_template"):
            check_no_secret(name, getattr(self, name))
        if sum(map(bool, (self.origin_url, self.url_template, self.url_list))) > 1:
            msg = "Set at most one of origin_url, url_template and url_list."
            raise ValueError(msg)
        if not self.url_list and self.files and self.shards > self.files:
            msg = (
                f"concurrency {self.concurrency:,} × shards_per_execution "
                f"{self.shards_per_execution:,} makes {self.shards:,} shards, more "
                f"than the {self.files:,} files; every shard needs at least one."
            )
            raise ValueError(msg)
        check_one_of("deal_by", self.deal_by, WAYS)
        check_one_of("shard_sizes", self.shard_sizes, SIZES)
        if self.deal_by != COUNT and not self.url_list:
            msg = (
                f"deal_by is {self.deal_by!r}, which needs a url_list: the files of a "
                "template or an origin are all alike."
            )
            raise ValueError(msg)
        if self.columns != Columns() and not self.url_list:
            msg = "url_column, name_column and sha256_column need a url_list."
            raise ValueError(msg)
        if self.sources and not self.url_list:
            msg = "sources needs a url_list; for a url_template they are known."
            raise ValueError(msg)
        if self.resumes and not self.run_folder:
            msg = "Set run_folder to the run to resume."
            raise ValueError(msg)
        self.options(allow_private=False)

    @property
    def columns(self) -> Columns:
        """The names of the list's columns."""
        return Columns(
            url=self.url_column, name=self.name_column, sha256=self.sha256_column
        )

    def worker(self, run: str = "") -> FunctionSpec:
        """Return the function to deploy: see `Settings.worker`."""
        start = uuid.uuid4().hex if self.fresh else ""
        return replace(super().worker(run), start=start, sources=tuple(self.sources))

    @property
    def resumes(self) -> bool:
        """Whether a run is resumed instead of started."""
        return self.resume or self.retry_failed

    @property
    def wants_pilot(self) -> bool:
        """Whether a pilot is to find the number of files."""
        return not (self.files or self.url_list or self.resumes)

    @property
    def first_pilot(self) -> Self:
        """
        The settings of a first pilot: a few files for each connection.

        Its shards, and those of the run it is for, are few and equal, so that they last
        about a second each: shorter ones are mostly made of their beginnings and ends,
        which hardly count in a million files.
        """
        shards = max(1, min(self.shards_per_execution, int(self.duration_s)))
        in_flight = self.concurrency * (self.connections or FIRST)
        return replace(
            self,
            files=max(self.concurrency * shards, _PILOT_ROUNDS * in_flight),
            shards_per_execution=shards,
            shard_sizes=EQUAL,
        )

    @property
    def brings_urls(self) -> bool:
        """Whether files come from the user's URLs, whose sizes are unknown."""
        return bool(self.url_template or self.url_list)

    @property
    def shards(self) -> int:
        """Invocations in the first wave."""
        return self.concurrency * self.shards_per_execution

    def options(self, *, allow_private: bool) -> Options:
        """Return the options of every shard."""
        return Options(
            connections=self.connections,
            engine=self.engine,
            attempts=self.attempts,
            allow_private=allow_private,
            allow_s3=self.url_template.startswith(SCHEME) or bool(self.sources),
        )
