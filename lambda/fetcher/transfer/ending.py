"""How one attempt ended, and that a body is not wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fetcher.security.masking import masked_in

if TYPE_CHECKING:
    from fetcher.contract.outcome import Outcome

_LONGEST_DETAIL = 200  # characters: a line, however much of it an origin made up


class Ending(NamedTuple):
    """
    How one attempt ended.

    Attributes:
        outcome: One of the closed list.

        status: HTTP status; 0: none was seen.

        body_bytes: Bytes of the body that arrived.

        detail: For a person; empty when `ok`.

        path: Where the body is; empty: not kept.

        retry_after_s: How long the origin asked us to wait; 0: it did not.
    """

    outcome: Outcome
    status: int = 0
    body_bytes: int = 0
    detail: str = ""
    path: str = ""
    retry_after_s: float = 0.0


class RefusedError(Exception):
    """The body is not wanted; the attempt ends with this outcome."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


def one_line(detail: str) -> str:
    """Return what fits on one line, prints, and gives no secret away."""
    words = masked_in(" ".join(detail.split()))
    plain = "".join(sign if sign.isprintable() else "?" for sign in words)
    if len(plain) <= _LONGEST_DETAIL:
        return plain
    return f"{plain[: _LONGEST_DETAIL - 3]}..."
