"""One body on its way from a socket to a sink: checked, counted, kept only if whole."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from fetcher.outcome import Outcome

if TYPE_CHECKING:
    from fetcher.options import Options
    from fetcher.sinks.sink import Sink, Writer
    from fetcher.source import Item

_OK = 200
_LONGEST_DETAIL = 200  # characters: a line, however much of it an origin made up
_CREDENTIALS = re.compile(r"//[^/\s]*@")


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


class Body:
    """
    What an engine hands one response to.

    Engines call `begin` with the headers, `write` with each chunk, then either
    `finish` or `fail`, once. `begin`, `write` and `finish` turn what is wrong with
    the response into an outcome; what is wrong with the connection the engine knows.
    """

    def __init__(self, item: Item, sink: Sink, options: Options) -> None:
        self._item = item
        self._sink = sink
        self._options = options
        self._writer: Writer | None = None
        self._digest = hashlib.sha256() if item.sha256 else None
        self._status = 0
        self._promised: int | None = None
        self._bytes = 0

    def begin(self, status: int, kind: str, promised: int | None) -> None:
        """
        Judge the headers and open the sink.

        Args:
            status: HTTP status.

            kind: Content-Type; empty: none given.

            promised: Content-Length; None: not given.

        Raises:
            RefusedError: If the body is not wanted.
        """
        self._status, self._promised = status, promised
        if status != _OK:
            detail = f"expected status 200, got {status}"
            raise RefusedError(Outcome.HTTP_STATUS, detail)
        wanted = self._options.expect_type
        if wanted and not kind.lower().startswith(wanted.lower()):
            detail = f"expected a body of type {wanted}, got {kind or 'no type'}"
            raise RefusedError(Outcome.WRONG_TYPE, detail)
        if promised is not None:
            self._check_size(promised)
        with _SinkErrors():
            self._writer = self._sink.open(self._item)

    def write(self, chunk: bytes) -> None:
        """
        Take in the next part of the body.

        Raises:
            RefusedError: If it has grown too large, or the sink failed.
        """
        self._bytes += len(chunk)
        self._check_size(self._bytes)
        if self._digest:
            self._digest.update(chunk)
        assert self._writer is not None, "begin() comes first"
        with _SinkErrors():
            self._writer.write(chunk)

    def finish(self) -> Ending:
        """
        Keep the body if it is whole.

        Raises:
            RefusedError: If it is not, or the sink failed.
        """
        if self._promised is not None and self._bytes != self._promised:
            raise RefusedError(Outcome.CUT, "the body ended early")
        if self._digest and self._digest.hexdigest() != self._item.sha256.lower():
            got = self._digest.hexdigest()
            detail = f"expected sha256 {self._item.sha256}, got {got}"
            raise RefusedError(Outcome.CHECKSUM, detail)
        assert self._writer is not None, "begin() comes first"
        with _SinkErrors():
            path = self._writer.commit()
        self._writer = None
        return Ending(Outcome.OK, self._status, self._bytes, path=path)

    def fail(self, outcome: Outcome, detail: str, retry_after_s: float = 0.0) -> Ending:
        """Throw away what came and say how it ended; when cut, how much came."""
        self.discard()
        if outcome is Outcome.CUT and self._promised is not None:
            came = f"expected {self._promised:,} bytes, got {self._bytes:,}"
            detail = f"{came}: {detail}"
        return Ending(
            outcome,
            self._status,
            self._bytes,
            detail=_one_line(detail),
            retry_after_s=retry_after_s,
        )

    def discard(self) -> None:
        """Throw away what came; nothing happens if nothing did."""
        if self._writer:
            self._writer.discard()
            self._writer = None

    def _check_size(self, size: int) -> None:
        if size > self._options.max_bytes:
            detail = f"expected at most {self._options.max_bytes:,} bytes, got {size:,}"
            raise RefusedError(Outcome.TOO_LARGE, detail)


def _one_line(detail: str) -> str:
    """Return what fits on one line, prints, and gives no password away."""
    words = _CREDENTIALS.sub("//***@", " ".join(detail.split()))
    plain = "".join(sign if sign.isprintable() else "?" for sign in words)
    if len(plain) <= _LONGEST_DETAIL:
        return plain
    return f"{plain[: _LONGEST_DETAIL - 3]}..."


class _SinkErrors:
    """Turns what the operating system says into the outcome `sink`."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: object, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, OSError):
            where = f" at {error.filename}" if error.filename else ""
            detail = f"could not keep the body{where}: {error.strerror or error}"
            raise RefusedError(Outcome.SINK, detail) from error
