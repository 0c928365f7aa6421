"""Responses that are turned down, and the line that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.security.masking import masked_in

if TYPE_CHECKING:
    from fetcher.contract.outcome import Outcome

_MAX_DETAIL = 200  # characters: one line, however much of it an origin made up


class RefusedError(Exception):
    """The response is not wanted; the attempt ends with this outcome."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


def one_line(detail: str) -> str:
    """Return the text on one printable line of limited length, secrets masked."""
    words = masked_in(" ".join(detail.split()))
    plain = "".join(sign if sign.isprintable() else "?" for sign in words)
    if len(plain) <= _MAX_DETAIL:
        return plain
    return f"{plain[: _MAX_DETAIL - 3]}..."
