"""Everything billable that a plan or its run uses, except time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from experiment.plan.url_facts import is_signed, region_of
from fetcher.s3.upload import LEAST_PART
from rollout.price import LOG_BYTES, REQUEST_BYTES, Billable

if TYPE_CHECKING:
    from experiment.plan.run_plan import Plan
    from rollout.target.target import Target

REPORT_BYTES, ROW_BYTES = 2_000, 50  # of an invocation, and a file more
_TAR_BYTES = 1_024  # around a file, about


def usage_of(
    plan: Plan, target: Target, invocations: int, files: int, body_bytes: int
) -> Billable:
    """Return what invocations use that fetch each file once, without time."""
    settings = plan.settings
    used = Billable(
        architecture=settings.architecture,
        memory_mb=settings.memory_mb,
        tmp_mb=settings.tmp_mb,
        invocations=invocations,
        billed_s=0.0,
        region=target.region,
        log_bytes=invocations * LOG_BYTES,
        to_internet_bytes=invocations * REPORT_BYTES + files * ROW_BYTES,
    )
    used = _with_network(used, plan, body_bytes)
    return _with_sink(
        _with_origin(used, plan, target, files, body_bytes), plan, files, body_bytes
    )


def _with_origin(
    used: Billable, plan: Plan, target: Target, files: int, body_bytes: int
) -> Billable:
    # Executions sign for their own region only.
    region = (
        target.region if is_signed(plan.urls, plan.settings) else region_of(plan.urls)
    )
    if not region:  # traffic in from the internet is free
        sent = used.to_internet_bytes + files * REQUEST_BYTES
        return replace(used, to_internet_bytes=sent)
    between = 0 if region == target.region else body_bytes
    return replace(used, s3_reads=files, between_regions_bytes=between)


def _with_network(used: Billable, plan: Plan, body_bytes: int) -> Billable:
    """Add traffic through a NAT gateway; an S3 endpoint in the VPC would save it."""
    if not plan.settings.subnets:
        return used
    ways = 2 if plan.settings.sink_spec().is_in_s3 else 1
    return replace(used, nat_bytes=ways * body_bytes)


def _with_sink(used: Billable, plan: Plan, files: int, body_bytes: int) -> Billable:
    if plan.settings.sink == "s3-objects":
        return replace(used, s3_writes=files, stored_bytes=body_bytes)
    if plan.settings.sink == "s3-tar":
        # Besides its parts, an upload is started and completed, and has an index.
        writes = 3 * used.invocations + body_bytes // LEAST_PART
        stored = body_bytes + files * _TAR_BYTES
        return replace(used, s3_writes=writes, stored_bytes=stored)
    if plan.settings.efs and plan.settings.sink == "directory":
        return replace(used, efs_bytes=body_bytes)
    return used
