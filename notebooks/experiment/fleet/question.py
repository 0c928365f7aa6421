"""The question to the model: what to download, with which fleet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from aws_facts.limits import limit
from experiment.parameters.fan_out import EQUAL
from experiment.plan.shard_sizes import sizes_for
from fetcher.contract.options import MAX_CONNECTIONS

if TYPE_CHECKING:
    from experiment.plan.shard_sizes import EqualSizes, FallingSizes

INTERNET, S3, S3_ELSEWHERE = SOURCES = ("internet", "s3", "s3-elsewhere")
TODAY, OF_2022 = "today", "2022"
S3_TAR, S3_OBJECTS = "s3-tar", "s3-objects"
OBJECT_PREFIXES = 256  # that the sink s3-objects spreads its keys over


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    What to download, with which fleet.

    >>> Question(files=1_000, concurrency=10, shards_per_execution=4).invocations
    40

    Attributes:
        files: How many.

        sizes_bytes: Sizes of some of them; the others are like these.

        concurrency, connections, shards_per_execution, shard_sizes, memory_mb, tmp_mb,
        architecture, engine, sink, hedge: As the parameters in `FanOutSettings`.

        region: Where it runs; empty: nobody has said.

        scheme: ``https`` or ``http``.

        source: One of `SOURCES`: where files come from.

        read_prefixes: Key prefixes in S3 that they are spread over.

        origin_files_per_s: The most that the origin serves.

        latency_s: To the first byte of a file; 0: that of S3.

        is_cold: Whether executions start cold.

        is_used: Whether they were at work just before, and so have less burst credit.

        in_vpc: Whether the function is in a VPC.

        bandwidth_raised:
            Whether the quota "Network bandwidth per execution environment" was raised.

        scaling: `TODAY` or `OF_2022`: how fast Lambda adds executions.
    """

    files: int = 1_000_000
    sizes_bytes: tuple[float, ...] = (1_700_000.0,)
    concurrency: int = 1_000
    connections: int = 100
    shards_per_execution: int = 1
    shard_sizes: str = EQUAL
    memory_mb: int = 1_769
    tmp_mb: int = 512
    architecture: str = "arm64"
    region: str = ""
    engine: str = "curl"
    scheme: str = "https"
    sink: str = "discard"
    source: str = S3
    read_prefixes: int = 16
    origin_files_per_s: float = math.inf
    latency_s: float = 0.0
    is_cold: bool = True
    is_used: bool = False
    in_vpc: bool = False
    bandwidth_raised: bool = False
    scaling: str = TODAY
    hedge: bool = True

    @property
    def shards(self) -> int:
        """Invocations in the first wave, if all are alike."""
        return min(self.files, self.concurrency * self.shards_per_execution)

    @property
    def sizes(self) -> EqualSizes | FallingSizes:
        """The sizes of the shards of the first wave."""
        return _sizes(self)

    @property
    def invocations(self) -> int:
        """Shards in the first wave."""
        return self.sizes.shards

    @property
    def most_connections(self) -> int:
        """Downloads in flight in one execution, at most."""
        return self.connections or MAX_CONNECTIONS

    @property
    def executions(self) -> int:
        """Executions at once, at most."""
        return min(self.concurrency, self.shards)

    @property
    def mean_bytes(self) -> float:
        """The mean size of a file."""
        return float(np.mean(self.sizes_bytes))

    @property
    def is_from_s3(self) -> bool:
        """Whether files come from S3."""
        return self.source != INTERNET

    @property
    def is_to_s3(self) -> bool:
        """Whether bodies are sent on to S3."""
        return self.sink in {S3_TAR, S3_OBJECTS}

    @property
    def most_files_per_s(self) -> float:
        """The most that origin, S3 and sink let through together."""
        rate = self.origin_files_per_s
        if self.is_from_s3:
            rate = min(rate, limit("s3_reads_per_s").most * self.read_prefixes)
        if self.sink == S3_OBJECTS:
            rate = min(rate, limit("s3_writes_per_s").most * OBJECT_PREFIXES)
        return rate


@lru_cache(64)
def _sizes(question: Question) -> EqualSizes | FallingSizes:
    """Return what is counted shard by shard once for all draws of a question."""
    return sizes_for(question, question.files)
