"""Settings and plans as questions to the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from experiment.fleet.forecast import forecast
from experiment.fleet.question import INTERNET, S3, S3_ELSEWHERE, Question
from experiment.parameters.checks import SettingsError
from experiment.parameters.fleet import FleetSettings
from experiment.plan.url_facts import file_bytes, is_signed, region_in, region_of
from fetcher.contract.template_source import Template
from fetcher.s3.urls import SCHEME
from rollout.s3_origin.buckets_and_prefixes import prefixes_of
from rollout.target.credentials import aws_region

if TYPE_CHECKING:
    from experiment.parameters.fan_out import FanOutSettings
    from experiment.plan.run_plan import Plan
    from experiment.plan.size_sample import Sample

NOT_MODELLED = "not_modelled"
_DRAWS = 100
# What has the same name in settings and questions.
_ALIKE = (
    *("concurrency", "connections", "shards_per_execution", "shard_sizes", "hedge"),
    *("memory_mb", "tmp_mb", "architecture", "engine", "sink"),
)


def question_of(
    settings: FanOutSettings, files: int = 0, sample: Sample | None = None
) -> Question:
    """
    Return the question that settings ask, without looking at a target.

    Settings of a fan-out say nothing of the sizes of their own URLs but `file_kb`.
    A local plan is treated as if its target were AWS.

    Args:
        settings: What to ask about.

        files: How many, if the settings do not say.

        sample: Of their list: its number of files, their sizes and where they are
            replace those of the settings.

    Raises:
        SettingsError: If they leave the number of files to a pilot.
    """
    files = sample.files if sample else files
    origin = settings.origin_url and f"{settings.origin_url.rstrip('/')}/{{number}}"
    url = settings.url_template or origin
    source, region, there = INTERNET, aws_region(), region_in(url)
    if url.startswith(SCHEME) or settings.sources or there:
        source = S3_ELSEWHERE if region and there not in ("", region) else S3
    asked = Question(
        **{name: getattr(settings, name) for name in _ALIKE},
        files=files or settings.files,
        sizes_bytes=(settings.file_kb * 1_000.0,),
        region=region,
        scheme="http" if url.startswith("http:") else "https",
        source=source,
        in_vpc=bool(settings.subnets),
    )
    if not asked.files:
        msg = "files is 0, so a pilot would find the number. Set files for a forecast."
        raise SettingsError(msg)
    if settings.sources:
        asked = replace(asked, read_prefixes=len(settings.sources))
    elif url and source != INTERNET:
        template = Template(url, ((0, asked.files),))
        asked = replace(asked, read_prefixes=prefixes_of(template))
    if isinstance(settings, FleetSettings):
        asked = replace(
            asked,
            sizes_bytes=settings.sizes_bytes,
            source=settings.comes_from,
            read_prefixes=settings.prefixes,
            latency_s=settings.latency_ms / 1e3,
            is_cold=settings.cold,
            bandwidth_raised=settings.bandwidth_raised,
        )
    if not sample:
        return asked
    in_s3 = S3_ELSEWHERE if asked.source == S3_ELSEWHERE else S3  # no list tells which
    return replace(
        asked,
        sizes_bytes=sample.sizes_bytes or asked.sizes_bytes,
        source=in_s3 if sample.is_from_s3 else INTERNET,
        scheme=sample.scheme,
    )


def planned(plan: Plan, region: str) -> Question:
    """Return the question that a plan asks, as if it ran on AWS in that region."""
    urls, settings = plan.urls, plan.settings
    each, _ = file_bytes(urls, settings)
    source = INTERNET
    if is_signed(urls, settings):
        source = S3
    elif origin := region_of(urls):
        source = S3 if origin == region else S3_ELSEWHERE
    return replace(
        question_of(settings, max(1, plan.files)),
        sizes_bytes=(float(max(1, each)),),
        source=source,
        region=region,
    )


def beside_measured(
    plan: Plan, region: str, wall_s: float, *, is_cold: bool, stand_in: str = ""
) -> dict[str, Any]:
    """
    Return what the model had forecast for a run on AWS, beside what was measured.

    Args:
        plan: What was run.

        region: Where.

        wall_s: What it took.

        is_cold: Whether its executions started during it, or were at work before.

        stand_in: Address that stood in for AWS; empty: it was AWS.

    Returns:
        JSON fields: the band of seconds, and ``measured_to_median``. Of a local run,
        why there is none: the model is of Lambda.
    """
    if plan.settings.target != "aws":
        return {NOT_MODELLED: plan.settings.target}
    if stand_in:
        return {NOT_MODELLED: stand_in}
    asked = replace(planned(plan, region), is_cold=is_cold, is_used=not is_cold)
    low, median, high = forecast(asked, _DRAWS).time
    return {
        "low_s": low,
        "median_s": median,
        "high_s": high,
        "measured_to_median": wall_s / median,
    }
