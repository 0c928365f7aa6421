"""One body on its way from a socket to a sink: checked, counted, kept only if whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from fetcher.contract.outcome import Outcome
from fetcher.transfer.ending import Ending, RefusedError, one_line
from fetcher.transfer.file_types import LONGEST, belied
from fetcher.transfer.inflate import ACCEPTED, ENCODINGS, Inflater

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Sequence

    from fetcher.contract.options import Options
    from fetcher.contract.source import Item
    from fetcher.transfer.sink import Sink, Writer

_OK = 200
# Directives by which an origin reserves what it serves. `none` is noindex and nofollow.
# https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
_RESERVING = frozenset({"noindex", "none", "noai", "noimageai", "noimageindex", "noml"})


class Body:
    """
    What an engine hands one response to.

    Engines call `begin` with the headers, `write` with each chunk, then either
    `finish` or `fail`, once; or `whole` instead of the first three. These turn what is
    wrong with the response into an outcome; what is wrong with the connection the
    engine knows.

    Attributes:
        size: Bytes that have come so far.
    """

    __slots__ = (
        "_digest",
        "_inflater",
        "_item",
        "_kind",
        "_options",
        "_promised",
        "_sink",
        "_start",
        "_status",
        "_writer",
        "size",
    )

    def __init__(self, item: Item, sink: Sink, options: Options) -> None:
        self._item = item
        self._sink = sink
        self._options = options
        self._writer: Writer | None = None
        self._digest = _sha256() if item.sha256 else None
        self._status = 0
        self._promised: int | None = None
        self._inflater: Inflater | None = None
        self._kind = ""
        self._start: bytes | None = None  # gathered while the type is in doubt
        self.size = 0

    @property
    def wants_kind(self) -> bool:
        """Whether the Content-Type is of interest."""
        return bool(self._options.expect_type) or self._sink.wants_kind

    def begin(
        self,
        status: int,
        kind: str,
        promised: int | None,
        robots: str = "",
        encoding: str = "",
    ) -> None:
        """
        Judge the headers and open the sink.

        Args:
            status: HTTP status.

            kind: Content-Type; empty: none given, or none of interest.

            promised: Content-Length; None: not given.

            robots: X-Robots-Tag; empty: none given, or none of interest.

            encoding: Content-Encoding; empty: none given, or none to be undone.

        Raises:
            RefusedError: If the body is not wanted.
        """
        self._judge_head(status, kind, promised, robots, encoding)
        self._open(kind)

    def whole(
        self,
        status: int,
        kind: str,
        promised: int | None,
        robots: str,
        encoding: str,
        parts: Sequence[bytes],
    ) -> Ending:
        """
        Judge the headers, see `begin`, and a body that came whole; keep it.

        Raises:
            RefusedError: If the body is not wanted, or not what was promised, or the
                sink failed.
        """
        self._judge_head(status, kind, promised, robots, encoding)
        if self._inflater:
            self._open(kind)
            self.write(parts)
            return self.finish()
        self._look_at(parts)
        self._check_whole()
        try:
            path = self._sink.keep(self._item, parts, kind)
        except OSError as error:
            raise _sink_failed(error) from error
        return Ending(Outcome.OK, status, self.size, "", path)

    def _judge_head(
        self, status: int, kind: str, promised: int | None, robots: str, encoding: str
    ) -> None:
        self._status = status
        options = self._options
        if status != _OK:
            detail = f"expected status 200, got {status}"
            raise RefusedError(Outcome.HTTP_STATUS, detail)
        if robots and (tag := reserved(robots)):
            detail = f"the origin's X-Robots-Tag says {tag}"
            raise RefusedError(Outcome.BLOCKED, detail)
        if wanted := options.expect_type:
            if not kind.lower().startswith(wanted.lower()):
                detail = f"expected a body of type {wanted}, got {kind or 'no type'}"
                raise RefusedError(Outcome.WRONG_TYPE, detail)
            self._kind, self._start = kind, b""
        if encoding.lower() not in ("", "identity"):
            self._inflater = _inflater(encoding)
            promised = None  # the engine checks what travelled
        self._promised = promised
        if promised is not None and promised > options.max_bytes:
            self._refuse_size(promised)

    def _open(self, kind: str) -> None:
        try:
            self._writer = self._sink.open(self._item, kind)
        except OSError as error:
            raise _sink_failed(error) from error

    def write(self, parts: Sequence[bytes]) -> None:
        """
        Take in the next parts of the body.

        Raises:
            RefusedError: If it has grown too large, belies its type, or the sink
                failed.
        """
        if not self._inflater:
            self._take(parts)
            return
        try:
            for chunk in parts:
                for piece in self._inflater.feed(chunk):
                    self._take((piece,))
        except ValueError as error:
            raise RefusedError(Outcome.PROTOCOL, str(error)) from error

    def _take(self, parts: Sequence[bytes]) -> None:
        self._look_at(parts)
        assert self._writer is not None, "begin() comes first"
        try:
            self._writer.write(parts)
        except OSError as error:
            raise _sink_failed(error) from error

    def finish(self) -> Ending:
        """
        Keep the body if it is whole.

        Raises:
            RefusedError: If it is not, or the sink failed.
        """
        self._check_whole()
        assert self._writer is not None, "begin() comes first"
        try:
            path = self._writer.commit()
        except OSError as error:
            raise _sink_failed(error) from error
        self._writer = None
        return Ending(Outcome.OK, self._status, self.size, "", path)

    def fail(self, outcome: Outcome, detail: str, retry_after_s: float = 0.0) -> Ending:
        """Throw away what came and say how it ended; when cut, how much came."""
        self.discard()
        if outcome is Outcome.CUT and self._promised is not None:
            came = f"expected {self._promised:,} bytes, got {self.size:,}"
            detail = f"{came}: {detail}"
        return Ending(
            outcome,
            self._status,
            self.size,
            detail=one_line(detail),
            retry_after_s=retry_after_s,
        )

    def discard(self) -> None:
        """Throw away what came; nothing happens if nothing did."""
        if self._writer:
            self._writer.discard()
            self._writer = None

    def _look_at(self, parts: Sequence[bytes]) -> None:
        self.size += sum(map(len, parts))
        if self.size > self._options.max_bytes:
            self._refuse_size(self.size)
        if self._digest:
            for chunk in parts:
                self._digest.update(chunk)
        if self._start is not None:
            for chunk in parts:
                self._look_at_start(chunk)

    def _check_whole(self) -> None:
        if self._promised is not None and self.size != self._promised:
            raise RefusedError(Outcome.CUT, "the body ended early")
        if self._inflater and not self._inflater.is_whole:
            raise RefusedError(Outcome.CUT, "the compressed body ended early")
        if self._start is not None:
            self._judge(self._start)
        if self._digest and self._digest.hexdigest() != self._item.sha256.lower():
            got = self._digest.hexdigest()
            detail = f"expected sha256 {self._item.sha256}, got {got}"
            raise RefusedError(Outcome.CHECKSUM, detail)

    def _look_at_start(self, chunk: bytes) -> None:
        """Judge the type once enough has come, or at the end."""
        if self._start is None:
            return
        start = self._start + chunk[:LONGEST]
        if len(start) < LONGEST:
            self._start = start
            return
        self._start = None
        self._judge(start)

    def _judge(self, start: bytes) -> None:
        if looks := belied(self._kind, start[:LONGEST]):
            detail = f"expected a body of type {self._kind}, got {looks}"
            raise RefusedError(Outcome.WRONG_TYPE, detail)

    def _refuse_size(self, size: int) -> NoReturn:
        detail = f"expected at most {self._options.max_bytes:,} bytes, got {size:,}"
        raise RefusedError(Outcome.TOO_LARGE, detail)


def _inflater(encoding: str) -> Inflater:
    if encoding.lower() not in ENCODINGS:
        detail = f"expected a body sent as {ACCEPTED}, got {encoding}"
        raise RefusedError(Outcome.PROTOCOL, detail)
    return Inflater()


def _sha256() -> hashlib._Hash:
    import hashlib  # noqa: PLC0415 - loads OpenSSL: 4 MB that hardly any list needs

    return hashlib.sha256()


def reserved(robots: str) -> str:
    """
    Return the directive of an X-Robots-Tag header that asks for a body to be left.

    >>> reserved("nofollow, noai"), reserved("otherbot: none"), reserved("all")
    ('noai', '', '')
    """
    for directive in robots.lower().split(","):
        agent, _, rest = directive.rpartition(":")
        if not agent and rest.strip() in _RESERVING:
            return rest.strip()
    return ""


def _sink_failed(error: OSError) -> RefusedError:
    """Turn what the operating system says into the outcome `sink`."""
    where = f" at {error.filename}" if error.filename else ""
    detail = f"could not keep the body{where}: {error.strerror or error}"
    return RefusedError(Outcome.SINK, detail)
