"""The exception by which a response is turned down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetcher.contract.outcome import Outcome


class RefusedError(Exception):
    """The response is not wanted; the attempt ends with this outcome."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
