"""A shard on its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from typing import TypeAlias

    from fetcher.contract.source import Ranges
    from rollout.invoke.invoker import InvokeResult

    Call: TypeAlias = asyncio.Task[InvokeResult]


@dataclass(slots=True, eq=False)
class SentShard:
    """
    A shard on its way.

    Attributes:
        index, ranges, template: As in the ledger; URLs of a list are not kept.

        files: How many URLs.

        told: Hosts that it was told are gone.

        payload: What was sent, to be sent again.

        sent_at: When it was first sent.

        calls: Its calls in flight, and when each was made.

        hedges: How often it was sent again because it took long.

        is_settled: Whether its invocation is in the ledger.
    """

    index: int
    ranges: Ranges
    template: str
    files: int
    told: tuple[str, ...]
    payload: bytes
    sent_at: float
    calls: dict[Call, float] = field(default_factory=dict)
    hedges: int = 0
    is_settled: bool = False
