"""What a fleet uses that AWS bills, and what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_facts.prices import HOME
from experiment.fleet.question import INTERNET, S3_ELSEWHERE, S3_OBJECTS, S3_TAR
from fetcher.s3.upload import LEAST_PART
from rollout.price import LOG_BYTES, REQUEST_BYTES, Bill, Billable, bill

if TYPE_CHECKING:
    import numpy as np

    from experiment.fleet.question import Question

_REPORT_BYTES, _ROW_BYTES = 2_000, 50  # of an invocation, and a file more
_TAR_BYTES = 1_024  # around a file, about


def usage_of(
    question: Question,
    *,
    invocations: int,
    files: int,
    body_bytes: int,
    billed_s: float = 0.0,
) -> Billable:
    """Return what invocations of a fleet use that fetch each of so many files once."""
    outwards = invocations * _REPORT_BYTES + files * _ROW_BYTES
    if question.source == INTERNET:  # traffic in from there is free
        outwards += files * REQUEST_BYTES
    writes = stored_bytes = 0
    if question.sink == S3_OBJECTS:
        writes, stored_bytes = files, body_bytes
    elif question.sink == S3_TAR:
        # Besides its parts, an upload is started and completed, and has an index.
        writes = 3 * invocations + body_bytes // LEAST_PART
        stored_bytes = body_bytes + files * _TAR_BYTES
    # Both ways through a NAT gateway; an S3 endpoint in the VPC would save that.
    ways = 2 if question.is_to_s3 else 1
    return Billable(
        architecture=question.architecture,
        memory_mb=question.memory_mb,
        tmp_mb=question.tmp_mb,
        region=question.region or HOME,
        invocations=invocations,
        billed_s=billed_s,
        log_bytes=invocations * LOG_BYTES,
        to_internet_bytes=outwards,
        s3_reads=files if question.is_from_s3 else 0,
        s3_writes=writes,
        stored_bytes=stored_bytes,
        between_regions_bytes=body_bytes if question.source == S3_ELSEWHERE else 0,
        nat_bytes=ways * body_bytes if question.in_vpc else 0,
    )


def bill_for(question: Question, billed_s: float) -> Bill:
    """Return the bill for all files, item by item."""
    used = usage_of(
        question,
        invocations=question.invocations,
        files=question.files,
        body_bytes=round(question.files * question.mean_bytes),
        billed_s=billed_s,
    )
    return bill(used)


def dollars_for(question: Question, billed_s: np.ndarray) -> np.ndarray:
    """Return the dollars for many billed times; a bill grows in proportion to them."""
    fixed = bill_for(question, 0.0).dollars
    each = bill_for(question, 1.0).dollars - fixed
    return fixed + each * billed_s
