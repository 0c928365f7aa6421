"""A shard on its way, and from when on it is late."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from typing import TypeAlias

    from experiment.ledger.invocation import Invocation
    from rollout.invoke.invoker import InvokeResult

    Call: TypeAlias = asyncio.Task[InvokeResult]

_TIMES_AS_LONG = 2.0
_LEAST_SHARE = 0.5  # of the usual time: a small shard takes its time to start and end
_NOT_BEFORE_S = 1.0
_REMEMBERED = 1_000  # shards


@dataclass(slots=True, eq=False)
class SentShard:
    """
    A shard on its way.

    Attributes:
        invocation: As it is known when first sent; URLs of a list are not kept.

        payload: What was sent, to be sent again.

        calls: Its calls in flight, and when each was made.

        is_settled: Whether its invocation is in the ledger.
    """

    invocation: Invocation
    files: int
    payload: bytes
    calls: dict[Call, float] = field(default_factory=dict)
    is_settled: bool = False


class UsualTimes:
    """
    The times of the latest shards of a wave.

    >>> times = UsualTimes()
    >>> for files in (100, 300, 200):
    ...     times.add(files, files / 100)
    >>> times.late_after_s(400), times.late_after_s(10)
    (8.0, 2.0)
    """

    def __init__(self) -> None:
        self._ended: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)

    def add(self, files: int, seconds: float) -> None:
        """Note how long a shard of so many files took."""
        self._ended.append((files, seconds))

    def late_after_s(self, files: int) -> float:
        """Return when a shard of so many files is late; infinity: not known yet."""
        if not self._ended:
            return math.inf
        share = files / median(files for files, _ in self._ended)
        usual_s = median(seconds for _, seconds in self._ended)
        usual_s *= max(_LEAST_SHARE, share)
        return max(_NOT_BEFORE_S, _TIMES_AS_LONG * usual_s)
