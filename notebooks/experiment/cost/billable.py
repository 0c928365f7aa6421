"""What a plan, or a run of it, uses that is paid for: all but its time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fetcher.contract.source import Template
from fetcher.s3.upload import LEAST_PART
from fetcher.s3.urls import SCHEME
from rollout.price import Usage
from rollout.s3_origin.s3_spread import folders_of

if TYPE_CHECKING:
    from experiment.plan.plan import Plan
    from experiment.plan.url_file import Lines, UrlFile
    from rollout.target.target import Target

LOG_BYTES = 500  # START, END and REPORT of an invocation

# A request's line and headers, and what TLS adds.
_REQUEST_BYTES = 400
_REPORT_BYTES, _ROW_BYTES = 2_000, 50  # of an invocation, and a file more
_TAR_BYTES = 1_024  # around a file, about
_REGION_OF_S3 = re.compile(r"(?:^|\.)s3[.-](?:dualstack\.)?(\w\w(?:-\w+)+-\d)\.")


def usage_of(
    plan: Plan, target: Target, invocations: int, files: int, body_bytes: int
) -> Usage:
    """
    Return what is used, with no time yet.

    Args:
        plan: Says where files come from and go to.

        target: Where it runs.

        invocations: How many.

        files: Fetched once, each.

        body_bytes: What these come to.
    """
    settings = plan.settings
    used = Usage(
        architecture=settings.architecture,
        memory_mb=settings.memory_mb,
        tmp_mb=settings.tmp_mb,
        invocations=invocations,
        billed_s=0.0,
        log_bytes=invocations * LOG_BYTES,
        to_internet_bytes=invocations * _REPORT_BYTES + files * _ROW_BYTES,
    )
    used = _with_network(used, plan, body_bytes)
    return _with_sink(
        _with_origin(used, plan, target, files, body_bytes), plan, files, body_bytes
    )


def file_bytes(plan: Plan) -> tuple[int, str]:
    """Return how large a file is, and how that was guessed if it is not known."""
    settings, told = plan.settings, plan.settings.file_kb * 1_000
    if not settings.brings_urls:
        return told, ""
    if not isinstance(plan.urls, Template) and plan.urls.tells_sizes:
        sizes = [size for size in _first_lines(plan.urls).sizes if size]
        return sum(sizes) // len(sizes), "File sizes are those the list begins with."
    guess = f"{settings.file_kb:,} kB each, as `file_kb` says"
    return told, f"How large files are is not known: {guess}."


def is_from_s3(plan: Plan) -> bool:
    """Tell whether files come from S3, as far as the first URL shows."""
    return _is_signed(plan) or bool(_region_in(_first_url(plan)))


def sources_of(plan: Plan) -> tuple[str, ...]:
    """
    Return what in S3 executions read with their role: of a template of ``s3://``.

    >>> from types import SimpleNamespace as Plan
    >>> sources_of(Plan(urls=Template("s3://b-{number%2}/a/{number}.jpg", ((0, 9),))))
    ('b-0/a', 'b-1/a')
    """
    urls = plan.urls
    if not isinstance(urls, Template) or not urls.text.startswith(SCHEME):
        return ()
    return tuple(f"{bucket}/{key}".rstrip("/") for bucket, key in folders_of(urls))


def _with_origin(
    used: Usage, plan: Plan, target: Target, files: int, body_bytes: int
) -> Usage:
    # Executions sign for their own region only.
    region = target.region if _is_signed(plan) else _region_in(_first_url(plan))
    if not region:  # what comes in from the internet is free
        sent = used.to_internet_bytes + files * _REQUEST_BYTES
        return replace(used, to_internet_bytes=sent)
    between = 0 if region == target.region else body_bytes
    return replace(used, s3_reads=files, between_regions_bytes=between)


def _with_network(used: Usage, plan: Plan, body_bytes: int) -> Usage:
    """Add what passes a gateway; an endpoint for S3 in the network would save it."""
    if not plan.settings.subnets:
        return used
    ways = 2 if plan.settings.sink_spec().is_in_s3 else 1
    return replace(used, nat_bytes=ways * body_bytes)


def _with_sink(used: Usage, plan: Plan, files: int, body_bytes: int) -> Usage:
    if plan.settings.sink == "s3-objects":
        return replace(used, s3_writes=files, stored_bytes=body_bytes)
    if plan.settings.sink == "s3-tar":
        # Beside its parts an upload is begun and completed, and has an index.
        writes = 3 * used.invocations + body_bytes // LEAST_PART
        stored = body_bytes + files * _TAR_BYTES
        return replace(used, s3_writes=writes, stored_bytes=stored)
    return used


def _is_signed(plan: Plan) -> bool:
    """Tell whether URLs are ``s3://``; of a list with `sources`, all may be."""
    return bool(plan.settings.sources) or _first_url(plan).startswith(SCHEME)


def _region_in(url: str) -> str:
    """Return the region of the S3 that a URL leads to; empty: it is none."""
    found = _REGION_OF_S3.search(urlsplit(url).hostname or "")
    return found[1] if found else ""


def _first_url(plan: Plan) -> str:
    urls = plan.urls
    if isinstance(urls, Template):
        return next(iter(urls)).url
    return _first_lines(urls).urls[0]


def _first_lines(urls: UrlFile) -> Lines:
    return next(iter(urls.lines([(0, urls.about)])))
