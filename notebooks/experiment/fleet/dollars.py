"""What a fleet costs, at the prices of `rollout.price`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from experiment.cost.usage import REPORT_BYTES, ROW_BYTES
from experiment.fleet.question import INTERNET, S3_ELSEWHERE, S3_OBJECTS, S3_TAR
from fetcher.s3.upload import LEAST_PART
from rollout.price import LOG_BYTES, REQUEST_BYTES, Bill, Billable, bill

if TYPE_CHECKING:
    import numpy as np

    from experiment.fleet.question import Question


def usage_of(question: Question, billed_s: float) -> Billable:
    """Return everything billable that a fleet uses."""
    fetched = round(question.files * (1 + question.again_share))
    body_bytes = round(fetched * question.mean_bytes)
    waves = 2 if question.again_share else 1
    invocations = waves * question.invocations
    outwards = invocations * REPORT_BYTES + fetched * ROW_BYTES
    if question.source == INTERNET:
        outwards += fetched * REQUEST_BYTES
    used = Billable(
        architecture=question.architecture,
        memory_mb=question.memory_mb,
        tmp_mb=question.tmp_mb,
        invocations=invocations,
        billed_s=billed_s,
        log_bytes=invocations * LOG_BYTES,
        to_internet_bytes=outwards,
        s3_reads=fetched if question.is_from_s3 else 0,
        between_regions_bytes=body_bytes if question.source == S3_ELSEWHERE else 0,
        nat_bytes=body_bytes if question.in_vpc else 0,
    )
    stored = round(question.total_bytes)
    if question.sink == S3_OBJECTS:
        return replace(used, s3_writes=question.files, stored_bytes=stored)
    if question.sink == S3_TAR:
        parts = 3 * invocations + stored // LEAST_PART
        return replace(used, s3_writes=parts, stored_bytes=stored)
    return used


def bill_for(question: Question, billed_s: float) -> Bill:
    """Return the bill, item by item."""
    return bill(usage_of(question, billed_s))


def dollars_for(question: Question, billed_s: np.ndarray) -> np.ndarray:
    """Return the dollars for many billed times; a bill grows in proportion to them."""
    fixed = bill_for(question, 0.0).dollars
    each = bill_for(question, 1.0).dollars - fixed
    return fixed + each * billed_s
