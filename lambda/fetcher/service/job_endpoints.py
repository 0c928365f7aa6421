"""`/jobs`: jobs created and shown, and their errors."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import fields
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fetcher.contract.inline_source import Inline
from fetcher.contract.options import Options, SinkSpec
from fetcher.service.download_endpoint import FILES
from fetcher.service.failed_downloads import errors
from fetcher.service.function_url_events import Refusal, answer, content_of
from fetcher.service.jobs.job_context import job_in, open_job, store_of, working_for
from fetcher.service.jobs.progress import progress
from fetcher.service.jobs.stored_documents import Job
from fetcher.service.requested_items import items_of, repeated
from fetcher.service.schema_validation import check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fetcher.contract.source import Item
    from fetcher.service.call_context import CallContext
    from fetcher.service.function_url_events import Request
    from fetcher.service.jobs.store import Store

_DEFAULT_LIMIT = "100"
_MOST_DIGITS = 4  # of a limit
# JSON has one kind of numbers, and 100.0 is as whole as 100.
_WHOLE = {item.name for item in fields(Options) if type(item.default) is int}


def submit(request: Request, call: CallContext) -> dict[str, Any]:
    """Create a job, or find the one created with the same key."""
    _check_bucket(call)
    content = content_of(request)
    check(content, "JobRequest", "body")
    items = items_of(content.get("urls", ()))
    _check_size(items, call.settings.job_urls)
    _refuse_repeats(items)
    requested = _job(_id_for(request), content, call.settings.bucket)
    with store_of(requested.id, call) as store:
        job = job_in(store) or _created(store, requested, items)
        if job.digest != requested.digest:
            msg = (
                "This Idempotency-Key was given with another request, for the job "
                f"{job.id}. Choose another one."
            )
            raise Refusal(HTTPStatus.CONFLICT, msg)
        with working_for(job, store, call) as context:
            if job is requested:
                context.request_plan()
            return answer(202, progress(context), {"Location": f"/jobs/{job.id}"})


def show(request: Request, call: CallContext) -> dict[str, Any]:
    """Return the progress of a job."""
    _check_bucket(call)
    with open_job(_id_in(request), call) as context:
        return answer(200, progress(context))


def list_errors(request: Request, call: CallContext) -> dict[str, Any]:
    """Return the files of a job that did not arrive."""
    limit = _number(request.query.get("limit", _DEFAULT_LIMIT))
    check(limit, "Limit", "limit")
    after = request.query.get("after")
    if after is not None:
        check(after, "After", "after")
    _check_bucket(call)
    with open_job(_id_in(request), call) as context:
        state = progress(context)["state"]
        found, following = errors(context, after or "", int(limit))
        content = {
            "id": context.job.id,
            "state": state,
            "errors": found,
            "next": following,
        }
    return answer(200, content)


def _check_bucket(call: CallContext) -> None:
    if not call.settings.bucket:
        msg = "This service keeps no jobs: it was deployed without a bucket."
        raise Refusal(HTTPStatus.NOT_FOUND, msg)


def _check_size(items: Sequence[Item], most: int) -> None:
    if len(items) > most:
        msg = f"There are {len(items):,} URLs; a job may have {most:,}. Split the list."
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, msg)


def _refuse_repeats(items: list[Item]) -> None:
    """Refuse the items that would be stored under the name of an earlier one."""
    for number, first in repeated(items).items():
        refusal = f"duplicate: would be stored under the same name as urls[{first}]"
        items[number] = items[number]._replace(refusal=refusal)


def _created(store: Store, requested: Job, items: Sequence[Item]) -> Job:
    """Store a job; return it, or the one that another request stored first."""
    if items:
        source = Inline.of(items, keeps_columns=requested.sink.keeps_columns)
        store.put(f"lists/{requested.digest}", source.to_dict())
    if store.create("job", requested.to_dict()):
        return requested
    return job_in(store) or requested


def _id_in(request: Request) -> str:
    """Return the id of the job that the path names."""
    return request.path.split("/")[2]


def _id_for(request: Request) -> str:
    """Return the id of the requested job: one key always gives the same."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return uuid.uuid4().hex
    check(key, "IdempotencyKey", "Idempotency-Key")
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _job(id_: str, content: Mapping[str, Any], bucket: str) -> Job:
    canonical = json.dumps(content, sort_keys=True).encode()
    return Job(
        id=id_,
        digest=hashlib.sha256(canonical).hexdigest(),
        manifest=content.get("manifest", ""),
        sink=_sink(content.get("sink", {"kind": "s3-objects"}), id_, bucket),
        options={
            name: int(value) if name in _WHOLE else value
            for name, value in content.get("options", {}).items()
        },
    )


def _sink(requested: Mapping[str, str], id_: str, bucket: str) -> SinkSpec:
    kind, prefix = requested["kind"], requested.get("prefix", "")
    if kind == "discard":
        return SinkSpec(kind=kind)
    if kind == "s3-objects" and not prefix:
        prefix = id_  # tars are called after their job anyway
    path = "/".join(filter(None, (FILES, prefix)))
    return SinkSpec(kind=kind, path=f"s3://{bucket}/{path}")


def _number(text: str) -> int | str:
    """Return text as a number, or as it is, for the schema to refuse."""
    is_number = len(text) <= _MOST_DIGITS and text.isascii() and text.isdecimal()
    return int(text) if is_number else text
