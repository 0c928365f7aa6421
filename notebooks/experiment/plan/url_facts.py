"""Facts about the files of a plan, known before any is fetched."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fetcher.contract.template_source import Template
from fetcher.lists.url_list import ENDLESS
from fetcher.s3.urls import SCHEME
from rollout.s3_origin.buckets_and_prefixes import folders_of

if TYPE_CHECKING:
    from experiment.parameters.fan_out import FanOutSettings
    from fetcher.lists.url_list import RowBlock, UrlList

_REGION_OF_S3 = re.compile(r"(?:^|\.)s3[.-](?:dualstack\.)?(\w\w(?:-\w+)+-\d)\.")


def file_bytes(urls: Template | UrlList, settings: FanOutSettings) -> tuple[int, str]:
    """Return a file's size, and an explanation if that is a guess."""
    default_bytes = settings.file_kb * 1_000
    if not settings.brings_urls:
        return default_bytes, ""
    sizes = [] if isinstance(urls, Template) else list(filter(None, first_sizes(urls)))
    if sizes:
        return sum(sizes) // len(sizes), "File sizes are those the list begins with."
    guess = f"{settings.file_kb:,} kB each, as `file_kb` says"
    return default_bytes, f"How large files are is not known: {guess}."


def is_from_s3(urls: Template | UrlList, settings: FanOutSettings) -> bool:
    """Tell whether files come from S3, as far as the first URL shows."""
    return is_signed(urls, settings) or bool(region_of(urls))


def sources_of(urls: Template | UrlList) -> tuple[str, ...]:
    """
    Return the S3 prefixes that executions read with their role, for a template.

    >>> sources_of(Template("s3://b-{number%2}/a/{number}.jpg", ((0, 9),)))
    ('b-0/a', 'b-1/a')
    """
    if not isinstance(urls, Template) or not urls.text.startswith(SCHEME):
        return ()
    return tuple(f"{bucket}/{key}".rstrip("/") for bucket, key in folders_of(urls))


def is_signed(urls: Template | UrlList, settings: FanOutSettings) -> bool:
    """Tell whether URLs are ``s3://``; of a list with `sources`, all may be."""
    return bool(settings.sources) or _first_url(urls).startswith(SCHEME)


def region_of(urls: Template | UrlList) -> str:
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


def _first_url(urls: Template | UrlList) -> str:
    if isinstance(urls, Template):
        return next(iter(urls)).url
    fetched = (row.url for row in urls if not row.refusal)
    return next(fetched, "")


def first_sizes(urls: UrlList) -> list[int]:
    """Return the sizes in bytes that the first rows tell; 0: unknown."""
    return sizes_of(next(urls.blocks([(0, ENDLESS)])))


def sizes_of(rows: RowBlock) -> list[int]:
    """
    Return the values of the column ``bytes``; 0 where there is none.

    >>> from fetcher.lists.url_list import RowBlock
    >>> urls, told = ["http://h/1", "http://h/2"], ["", '{"bytes": "7.0"}']
    >>> sizes_of(RowBlock(0, urls, carried=told))
    [0, 7]
    """
    if not any('"bytes": ' in one for one in rows.carried):
        return [0] * len(rows.urls)
    return [_whole(json.loads(one or "{}").get("bytes")) for one in rows.carried]


def _whole(size: object) -> int:
    try:
        return max(0, int(float(str(size))))
    except (ValueError, OverflowError):
        return 0
