"""One invocation of the service: its settings and its deadline."""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from fetcher.service.settings import Settings

if TYPE_CHECKING:
    from awslambdaric.lambda_context import LambdaContext

# Kept back from Lambda's timeout, to report what was not done in time.
_SAYING_S = 1.0
_SAYING_SHARE = 0.1


class CallContext(NamedTuple):
    """
    An invocation.

    Attributes:
        until: When to give up, on the monotonic clock.
    """

    settings: Settings
    context: LambdaContext
    timeout_s: int
    until: float

    @classmethod
    def begun(cls, context: LambdaContext) -> CallContext:
        """
        Return the invocation that has just begun.

        Raises:
            ValueError: If the function's environment cannot be understood.
        """
        settings = Settings.from_environment()
        left_s = context.get_remaining_time_in_millis() / 1_000
        until = monotonic() + left_s - min(_SAYING_S, _SAYING_SHARE * left_s)
        return cls(settings, context, math.ceil(left_s), until)
