"""The plan of a run: its URLs dealt into shards, each made when it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from experiment.ledger.run_folder import (
    check_resumable,
    name_of_run,
    read_run,
    run_folder_for,
)
from experiment.parameters.checks import SettingsError
from experiment.parameters.fan_out import BYTES, COUNT, HOST
from experiment.parameters.path_resolution import resolved
from experiment.plan.shard_sizes import sizes_for
from experiment.plan.sharding import (
    as_sent,
    characters,
    deal_by_bytes,
    deal_by_host,
    deal_in_order,
    deal_ranges,
    shards_of_text,
)
from experiment.plan.url_facts import first_sizes, sizes_of, sources_of
from fetcher.contract.shard_messages import Shard
from fetcher.contract.template_source import Template
from fetcher.handler import usable_s
from fetcher.lists.url_list import ENDLESS, UrlList
from fetcher.s3.urls import SCHEME, prefix_of
from fetcher.security.guard import check_url
from rollout.deploy import leftover_tars
from rollout.s3_origin.buckets_and_prefixes import folders_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from experiment.parameters.fan_out import FanOutSettings
    from experiment.session import Session
    from fetcher.contract.source import Source
    from fetcher.lists.url_list import RowBlock
    from rollout.deploy.deployment import FunctionSpec

_MOST_TEXT = 4_000_000  # characters of URL per shard: more may exceed the event limit
_TEXT_IN_FLIGHT = 128_000_000  # of all shards in flight: they are in memory


class Todo(NamedTuple):
    """
    The numbers of URLs still to fetch.

    Attributes:
        ranges: Their ranges, ascending; may be a generator.

        total: How many; None: unknown, in a long list not read to its end.

        tried: How many of them were silent, or failed, in an earlier wave.
    """

    ranges: Iterable[tuple[int, int]]
    total: int | None
    tried: int = 0


@dataclass(frozen=True)
class Plan:
    """
    Everything that a run is going to fetch.

    Attributes:
        urls: All URLs of the run: numbered ones, or a list's.

        allow_private: Whether executions may contact private addresses.

        is_pilot: Whether it is to find the number of files; see
            `experiment.run.pilot`.

        pilot: The figures of the pilot that found it; empty: there was none.
    """

    folder: Path
    settings: FanOutSettings
    urls: Template | UrlList
    allow_private: bool
    is_pilot: bool = False
    pilot: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def run(self) -> str:
        """The name that executions know the run by, and that its tars in S3 have."""
        return name_of_run(self.folder)

    @property
    def many(self) -> int | None:
        """How many URLs there are; None: a long list was not read to its end yet."""
        urls = self.urls
        return len(urls) if isinstance(urls, Template) else urls.known_count

    @property
    def files(self) -> int:
        """The same, estimated if need be."""
        urls = self.urls
        return len(urls) if isinstance(urls, Template) else urls.estimated_count

    def count(self) -> int:
        """Return how many there are; a long list is read to its end for it."""
        count = len(self.urls)
        if not isinstance(self.urls, Template):
            self.urls.raise_if_torn()
        return count

    @property
    def everything(self) -> Todo:
        """Every URL of the run."""
        return Todo([(0, self.many or ENDLESS)], self.many)

    def wave(self, number: int, todo: Todo) -> Iterator[Shard]:
        """
        Deal URLs into shards, each made when it is needed.

        Returns:
            About as many shards as the settings ask for: fewer if there are fewer
            URLs, more if a request or a report would exceed Lambda's limits.
        """
        settings = self.settings
        sink = settings.sink_spec()
        options = settings.options(allow_private=self.allow_private)
        for index, source in enumerate(self._dealt(todo)):
            yield Shard(
                run=self.run,
                index=index,
                wave=number,
                source=source,
                sink=sink,
                options=options,
                deadline_s=usable_s(settings.timeout_s),
            )

    def _dealt(self, todo: Todo) -> Iterator[Source]:
        count = self.files if todo.total is None else todo.total
        if not count:
            return
        sizes = sizes_for(self.settings, count, todo.tried)
        if isinstance(self.urls, Template):
            for ranges in deal_ranges(todo.ranges, iter(sizes)):
                yield Template(self.urls.text, ranges)
            return
        blocks, most_text = self.urls.blocks(todo.ranges), self._most_text
        if self.settings.deal_by == BYTES:
            told = ((self._sent(block), sizes_of(block)) for block in blocks)
            yield from deal_by_bytes(told, sizes.of_lines(), most_text)
            return
        rows = map(self._sent, blocks)
        if self.settings.deal_by == HOST:
            yield from deal_by_host(rows, sizes.of_lines(), most_text)
        else:
            yield from deal_in_order(rows, iter(sizes), most_text)

    def _sent(self, rows: RowBlock) -> RowBlock:
        keeps_columns = self.settings.sink_spec().keeps_columns
        return as_sent(rows, keeps_columns=keeps_columns)

    @property
    def _most_text(self) -> int:
        return min(_MOST_TEXT, _TEXT_IN_FLIGHT // self.settings.concurrency)

    @cached_property
    def shards(self) -> int:
        """How many a wave has, if later rows of a list are as long as its first."""
        sizes = sizes_for(self.settings, self.files)
        if isinstance(self.urls, Template):
            return sizes.shards
        first = next(self.urls.blocks([(0, ENDLESS)]))
        per_row = fmean(characters(self._sent(first)))
        in_order = self.settings.deal_by == COUNT
        return shards_of_text(sizes, per_row, self._most_text, in_order=in_order)

    def worker(self) -> FunctionSpec:
        """Return the function that this plan needs; a pilot takes any executions."""
        spec = self.settings.worker(run=self.run)
        sources = sources_of(self.urls) or spec.sources
        return replace(spec, sources=sources, start="" if self.is_pilot else spec.start)

    def of_files(self, files: int) -> Plan:
        """Return the same plan with another number of files of the same template."""
        assert isinstance(self.urls, Template)
        return replace(
            self,
            settings=replace(self.settings, files=files),
            urls=Template(self.urls.text, ((0, files),)),
        )

    def summary(self) -> str:
        """Describe the plan in a line."""
        settings, about = self.settings, "" if self.many else "about "
        most = sizes_for(settings, self.files).most
        what = (
            f"files: {about}{self.files:,}; shards: {about}{self.shards:,}, of "
            f"{most:,} files at most"
        )
        if self.is_pilot:
            what = f"files: as many as a pilot finds for {settings.duration_s:g} s"
        return (
            f"{what}; executions at once: {settings.concurrency:,}; connections in "
            f"each: {settings.connections or 'adaptive'}"
        )


def make_plan(notebook: str, settings: FanOutSettings, session: Session) -> Plan:
    """
    Plan a run.

    Raises:
        SettingsError: If there is nothing to download, or there are fewer URLs than
            shards, or the template makes no URLs.

        fetcher.lists.url_list.UrlListError: If the list cannot be used.

        LedgerError: If the run folder cannot be used, or holds another run than the
            one to resume.

        rollout.errors.DeployError: If another run of this name has tars at the sink.
    """
    settings, is_pilot = _with_files(settings)
    if settings.url_list:
        urls: Template | UrlList = _listed(settings)
    else:
        urls = _numbered(session.template(settings), settings)
        if is_pilot and settings.url_template:
            msg = "Set files, too: how many a url_template has cannot be known."
            raise SettingsError(msg)
    if settings.resumes:
        folder = resolved(settings.run_folder)
        check_resumable(folder, settings)
    else:
        folder = run_folder_for(notebook, settings.target, settings.run_folder)
    ours = session.target.allow_private and not settings.brings_urls
    plan = Plan(folder, settings, urls, ours or settings.allow_private, is_pilot)
    if settings.sink == "s3-tar" and not settings.resumes:
        leftover_tars.check_prefix_unused(
            session.target, prefix_of(settings.sink_path), plan.run
        )
    return plan


def _with_files(settings: FanOutSettings) -> tuple[FanOutSettings, bool]:
    """Return the settings with a number of files, and whether it is a pilot's."""
    if settings.wants_pilot:
        return settings.first_pilot, True
    if settings.resumes and not (settings.files or settings.url_list):
        before = read_run(resolved(settings.run_folder))["settings"]
        return replace(settings, files=before.get("files", 0)), False
    return settings, False


def _numbered(text: str, settings: FanOutSettings) -> Template:
    try:
        urls = Template(text, ((0, settings.files),))
        if text.startswith(SCHEME):
            folders_of(urls)
        else:
            check_url(next(iter(urls)).url)
    except ValueError as error:
        name = "url_template" if settings.url_template else "origin_url"
        msg = f"The {name} cannot be used. {error}"
        raise SettingsError(msg) from error
    return urls


def _listed(settings: FanOutSettings) -> UrlList:
    try:
        # Results are kept, and shown to others: no passwords.
        urls = UrlList(
            settings.url_list,
            columns=settings.columns,
            allow_s3=bool(settings.sources),
            allow_credentials=False,
        )
    except OSError as error:
        msg = f"The url_list cannot be read: {error}."
        raise SettingsError(msg) from error
    if urls.estimated_count < settings.shards:
        msg = (
            f"{settings.url_list} holds {urls.estimated_count:,} URLs, fewer than the "
            f"{settings.shards:,} shards of concurrency × shards_per_execution. Lower "
            "one of them."
        )
        raise SettingsError(msg)
    if settings.deal_by == BYTES and not any(first_sizes(urls)):
        msg = (
            f"deal_by is 'bytes', and {settings.url_list} tells no sizes. Give it a "
            "column `bytes`, as .csv or .jsonl, or set `deal_by` to count."
        )
        raise SettingsError(msg)
    return urls
