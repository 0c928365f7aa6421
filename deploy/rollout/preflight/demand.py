"""What an experiment asks of its target, for `rollout.preflight.checks` to check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetcher.s3.urls import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """
    What an experiment asks of its target.

    Attributes:
        concurrency: Executions at once.

        connections: Downloads in flight inside one execution.

        tmp_mb: Size of ``/tmp``.

        scratch_bytes: What one execution keeps in ``/tmp`` at most; 0: nothing.

        request_bytes: The largest event.

        report_bytes: The largest answer that is expected.

        timeout_s: When Lambda ends an invocation.

        deadline_s: When the worker stops and reports.

        function: Its name; empty: nothing of it is looked at.

        memory_mb: The function's.

        engine: What downloads.

        sink_mb: Memory that the sink takes.

        shard_bytes: What an execution downloads at least, in one shard; 0: not known.

        waves: How often what is unfinished is asked for.

        bucket: Where files are kept; None: not in S3.

        writes_per_s: To S3, at most.

        prefixes: Over how many beginnings of keys these are spread.

        sources: Where in S3 files come from, as far as one knows.

        reads_per_s: From S3, at most.

        read_prefixes: Over how many beginnings of keys these are spread.
    """

    concurrency: int
    connections: int
    tmp_mb: int
    scratch_bytes: int
    request_bytes: int
    report_bytes: int
    timeout_s: int
    deadline_s: float
    function: str = ""
    memory_mb: int = 1_769
    engine: str = "curl"
    sink_mb: float = 0.0
    shard_bytes: int = 0
    waves: int = 1
    bucket: Place | None = None
    writes_per_s: float = 0.0
    prefixes: int = 1
    sources: tuple[Place, ...] = ()
    reads_per_s: float = 0.0
    read_prefixes: int = 1
