"""`POST /download`: files that one execution fetches while the caller waits."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fetcher import handler
from fetcher.contract.download_results import Download
from fetcher.contract.inline_source import Inline
from fetcher.contract.options import Options, SinkSpec
from fetcher.contract.outcome import Outcome
from fetcher.contract.shard_messages import Report, Shard
from fetcher.service.failed_downloads import error_of
from fetcher.service.function_url_events import (
    MOST_ANSWER,
    Refusal,
    answer,
    content_of,
    size_within,
)
from fetcher.service.jobs.slice_plan import most_urls
from fetcher.service.requested_items import items_of, repeated
from fetcher.service.schema_validation import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetcher.contract.source import Item
    from fetcher.service.call_context import CallContext
    from fetcher.service.function_url_events import Request

FILES = "files"  # what the keys of all files in the bucket begin with

_ERROR_ROOM = 200  # bytes of an error in the answer besides its URL and destination


def download(request: Request, call: CallContext) -> dict[str, Any]:
    """
    Fetch the files of a request.

    Returns:
        How many arrived, and for each that did not, why.

    Raises:
        Refusal: If the request is malformed, or too much for one execution.
    """
    most = most_urls(call.timeout_s)
    content = content_of(request)
    check(content, "Items", "body")
    items = items_of(content)
    _check_fits(items, most)
    ends = _ends_of(items, call)
    errors = [
        {"error": True, **error_of(item, end)}
        for item, end in zip(items, ends, strict=True)
        if end.outcome is not Outcome.OK
    ]
    payload = {
        "totalSucceeded": len(items) - len(errors),
        "totalErrors": len(errors),
        "errors": errors,
    }
    if size_within(payload) > MOST_ANSWER:
        for error in errors:
            error["errorMessage"] = error["outcome"]
    return answer(200, payload)


def _check_fits(items: Sequence[Item], most: int) -> None:
    if len(items) > most:
        msg = (
            f"There are {len(items):,} URLs; an execution of this function has the "
            f"time for {most:,}. POST them to /jobs, which splits them among several."
        )
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, msg)
    texts = size_within([(item.url, item.destination) for item in items])
    size = texts + len(items) * _ERROR_ROOM
    if size > MOST_ANSWER:
        msg = (
            f"If all of the {len(items):,} URLs failed, to say so would take "
            f"{size:,} bytes; Lambda returns at most {MOST_ANSWER:,}. POST them to "
            "/jobs, or in several requests."
        )
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, msg)


def _ends_of(items: Sequence[Item], call: CallContext) -> list[Download]:
    """Return how each URL ended; one requested twice is fetched once."""
    repeats = repeated(items)
    fetched = [item for item in items if item.number not in repeats]
    if not fetched:
        return []
    shard = Shard(
        run=f"request {call.context.aws_request_id}",
        index=0,
        source=Inline.of(fetched),
        sink=_sink(call.settings.bucket),
        options=Options(allow_private=call.settings.allow_private),
    )
    report = handler.download(json.loads(shard.to_json()), call.context)
    downloads = Report.from_dict(report).downloads
    ends = {item.number: end for item, end in zip(fetched, downloads, strict=True)}
    for number, first in repeats.items():
        ends[number] = _end_of_repeat(items[number], items[first], ends[first])
    return [ends[item.number] for item in items]


def _sink(bucket: str) -> SinkSpec:
    """Return where files go: to a scratch folder if there is no bucket."""
    if not bucket:
        return SinkSpec()
    return SinkSpec(kind="s3-objects", path=f"s3://{bucket}/{FILES}")


def _end_of_repeat(item: Item, first: Item, end: Download) -> Download:
    if (item.url, item.sha256) == (first.url, first.sha256):
        return end
    detail = f"would be stored under the same name as body[{first.number}]"
    return Download(Outcome.DUPLICATE, detail=detail)
