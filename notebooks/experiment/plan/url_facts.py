"""Facts about the files of a plan, known before any is fetched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fetcher.contract.source import Template
from fetcher.s3.urls import SCHEME
from rollout.s3_origin.s3_spread import folders_of

if TYPE_CHECKING:
    from experiment.parameters.fan_out import FanOutSettings
    from experiment.plan.url_file import LineBlock, UrlFile

_REGION_OF_S3 = re.compile(r"(?:^|\.)s3[.-](?:dualstack\.)?(\w\w(?:-\w+)+-\d)\.")


def file_bytes(urls: Template | UrlFile, settings: FanOutSettings) -> tuple[int, str]:
    """Return a file's size, and an explanation if that is a guess."""
    default_bytes = settings.file_kb * 1_000
    if not settings.brings_urls:
        return default_bytes, ""
    if not isinstance(urls, Template) and urls.tells_sizes:
        sizes = [size for size in _first_lines(urls).sizes if size]
        return sum(sizes) // len(sizes), "File sizes are those the list begins with."
    guess = f"{settings.file_kb:,} kB each, as `file_kb` says"
    return default_bytes, f"How large files are is not known: {guess}."


def is_from_s3(urls: Template | UrlFile, settings: FanOutSettings) -> bool:
    """Tell whether files come from S3, as far as the first URL shows."""
    return is_signed(urls, settings) or bool(region_of(urls))


def sources_of(urls: Template | UrlFile) -> tuple[str, ...]:
    """
    Return the S3 prefixes that executions read with their role, for a template.

    >>> sources_of(Template("s3://b-{number%2}/a/{number}.jpg", ((0, 9),)))
    ('b-0/a', 'b-1/a')
    """
    if not isinstance(urls, Template) or not urls.text.startswith(SCHEME):
        return ()
    return tuple(f"{bucket}/{key}".rstrip("/") for bucket, key in folders_of(urls))


def is_signed(urls: Template | UrlFile, settings: FanOutSettings) -> bool:
    """Tell whether URLs are ``s3://``; of a list with `sources`, all may be."""
    return bool(settings.sources) or _first_url(urls).startswith(SCHEME)


def region_of(urls: Template | UrlFile) -> str:
    """Return the S3 region that the first URL leads to; empty: it is not S3."""
    return region_in(_first_url(urls))


def region_in(url: str) -> str:
    """
    Return the S3 region that a URL leads to; empty: it is not S3.

    >>> region_in("https://b.s3.eu-west-1.amazonaws.com/k"), region_in("https://h/s3")
    ('eu-west-1', '')
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    found = _REGION_OF_S3.search(host)
    return found[1] if found else ""


def _first_url(urls: Template | UrlFile) -> str:
    if isinstance(urls, Template):
        return next(iter(urls)).url
    return _first_lines(urls).urls[0]


def _first_lines(urls: UrlFile) -> LineBlock:
    return next(iter(urls.lines([(0, urls.estimated_count)])))
