"""Settings into shards: which execution is asked for which URLs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from experiment.ledger import run_folder_for
from experiment.settings import SettingsError, check_no_credentials
from fetcher.downloads import most_bytes
from fetcher.guard import check_url
from fetcher.handler import usable_s
from fetcher.options import SinkSpec
from fetcher.shard import Shard
from fetcher.source import Inline, Template
from fetcher.urllist import UrlList
from rollout.preflight import Need

if TYPE_CHECKING:
    from experiment.session import Session
    from experiment.settings import FanOutSettings
    from fetcher.source import Source


@dataclass(frozen=True)
class Plan:
    """
    Everything that is going to be asked for.

    Attributes:
        folder: Where the run's results will go; its name is the run's.

        settings: What was wanted.

        source: Every URL of the run.

        allow_private: Whether executions may contact loopback.
    """

    folder: Path
    settings: FanOutSettings
    source: Source
    allow_private: bool

    @property
    def files(self) -> int:
        """How many URLs the plan covers."""
        return len(self.source)

    def wave(self, number: int, source: Source) -> tuple[Shard, ...]:
        """
        Deal URLs into shards whose sizes differ by at most one.

        Args:
            number: Which wave it is, from 0.

            source: What is still to do: all of it, or a pick.

        Returns:
            As many shards as the settings ask for, or fewer if there are fewer URLs.
        """
        settings = self.settings
        return tuple(
            Shard(
                run=self.folder.name,
                index=index,
                wave=number,
                source=source.part(start, many),
                sink=SinkSpec(kind=settings.sink),
                options=settings.options(allow_private=self.allow_private),
                deadline_s=usable_s(settings.timeout_s),
            )
            for index, (start, many) in enumerate(
                split(len(source), min(settings.shards, len(source)))
            )
        )

    def need(self) -> Need:
        """Return what a target must offer for this plan."""
        settings = self.settings
        first, *_ = self.wave(0, self.source)  # none is larger
        scratch = len(first.source) * settings.file_kb * 1_000
        fits_anything = settings.sink == "discard" or settings.brings_urls
        return Need(
            concurrency=min(settings.concurrency, self.files),
            connections=settings.connections,
            scratch_bytes=0 if fits_anything else scratch,
            tmp_mb=settings.tmp_mb,
            request_bytes=len(first.to_json()),
            report_bytes=most_bytes(len(first.source)),
            timeout_s=settings.timeout_s,
            deadline_s=first.deadline_s,
        )

    def summary(self) -> str:
        """Say in a sentence what is going to happen."""
        settings = self.settings
        shards = len(self.wave(0, self.source))
        return (
            f"files: {self.files:,}; shards: {shards:,}, of "
            f"{-(-self.files // shards):,} files at most; executions at once: "
            f"{settings.concurrency:,}; connections in each: {settings.connections:,}"
        )


def make_plan(notebook: str, settings: FanOutSettings, session: Session) -> Plan:
    """
    Plan a run.

    Args:
        notebook: As in ``20_fan_out``; names the run.

        settings: How many files, how wide.

        session: Where they come from, if the settings bring no URLs.

    Raises:
        SettingsError: If there is nothing to download, or fewer URLs than shards, or
            the template makes no URLs.

        fetcher.urllist.UrlListError: If the list cannot be used.
    """
    if settings.url_list:
        source: Source = _listed(settings)
    else:
        source = _numbered(session.template(settings), settings)
    folder = run_folder_for(notebook, settings.target, settings.run_folder)
    ours = session.target.allow_private and not settings.brings_urls
    return Plan(folder, settings, source, ours or settings.allow_private)


def _numbered(text: str, settings: FanOutSettings) -> Template:
    try:
        source = Template(text, ((0, settings.files),))
        check_url(next(iter(source)).url)
    except ValueError as error:
        name = "url_template" if settings.url_template else "origin_url"
        msg = f"The {name} cannot be used. {error}"
        raise SettingsError(msg) from error
    return source


def _listed(settings: FanOutSettings) -> Inline:
    try:
        urls = UrlList(Path(settings.url_list))
    except OSError as error:
        msg = f"The url_list cannot be read: {error}."
        raise SettingsError(msg) from error
    if len(urls) < settings.shards:
        msg = (
            f"{settings.url_list} holds {len(urls):,} URLs, fewer than the "
            f"{settings.shards:,} shards of concurrency × shards_per_execution. Lower "
            "one of them."
        )
        raise SettingsError(msg)
    source = Inline(tuple(urls))
    for item in source:
        check_no_credentials("url_list", item.url)
    return source


def split(many: int, parts: int) -> list[tuple[int, int]]:
    """
    Cut a count into stretches whose sizes differ by at most one, the larger first.

    Returns:
        Start and size of each.

    >>> split(5, parts=2)
    [(0, 3), (3, 2)]
    """
    small, extra = divmod(many, parts)
    sizes = [small + 1] * extra + [small] * (parts - extra)
    return list(zip(accumulate(sizes, initial=0), sizes, strict=False))
