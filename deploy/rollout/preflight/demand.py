"""The resources a run needs of its target, by subject."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout.deploy.function_spec import FunctionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """
    One execution at work.

    Attributes:
        connections:
            Downloads in flight inside it; 0: it finds its own number, within its
            memory and descriptors.

        sink_mb: Memory that its sink takes.

        scratch_bytes: Most that it keeps in ``/tmp``; 0: nothing, or unknown.
    """

    connections: int
    engine: str = "curl"
    sink_mb: float = 0.0
    scratch_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """
    The largest invocation.

    Attributes:
        report_bytes: Most that it answers.

        download_bytes: Least that it downloads; 0: unknown.

        deadline_s: When the worker stops and reports.
    """

    request_bytes: int
    report_bytes: int
    download_bytes: int = 0
    deadline_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Load:
    """
    Requests to S3.

    Attributes:
        per_s: At most, by all executions.

        prefixes: Number of key prefixes they are spread over.
    """

    per_s: float = 0.0
    prefixes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """
    The resources a run needs; checked by `rollout.preflight.checks.check`.

    Attributes:
        function: The function to deploy, with its sizes, bucket and sources.

        invocation: The largest invocation.

        waves: How often unfinished URLs are tried.
    """

    function: FunctionSpec
    concurrency: int
    execution: Execution
    invocation: Invocation
    waves: int = 1
    reads: S3Load = field(default_factory=S3Load)
    writes: S3Load = field(default_factory=S3Load)
