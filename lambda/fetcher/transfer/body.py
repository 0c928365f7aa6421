"""One body on its way from a socket to a sink: checked, counted, kept only if whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from fetcher.contract.download_results import Download, made
from fetcher.contract.outcome import Outcome
from fetcher.security.masking import one_line
from fetcher.transfer.content.file_types import (
    SNIFFED_BYTES,
    legible,
    mismatch,
    type_of,
)
from fetcher.transfer.content.inflate import inflater_for
from fetcher.transfer.content.picture_size import UNKNOWN, PictureSize
from fetcher.transfer.content.robots_tag import reserved
from fetcher.transfer.refused_response import RefusedError

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Sequence

    from fetcher.contract.options import Options
    from fetcher.contract.source import Item
    from fetcher.transfer.content.inflate import Inflater
    from fetcher.transfer.sink import Sink, Writer

_OK = 200
_WHOLE = Outcome.OK  # bound once: Python 3.11 finds members of an enum slowly
_NOT_YET = "", 0.0, "", 0.0, 0.0, 0  # from `detail` to `attempts`


class Body:
    """
    The receiver of one response.

    Engines call `begin` with the headers, `write` with chunks as they come, then either
    `finish`, perhaps with the last ones, or `fail`, once. These turn faults of the
    response into an outcome; faults of the connection are the engine's.

    Attributes:
        size: Bytes received so far.

        content_type: Content-Type, once the headers have come; empty: absent.

        path: Where it is, once it is kept; empty: nowhere.
    """

    __slots__ = (
        "_digest",
        "_expected_bytes",
        "_found_type",
        "_inflater",
        "_item",
        "_options",
        "_picture",
        "_sha256",
        "_sink",
        "_start",
        "_status",
        "_writer",
        "content_type",
        "path",
        "size",
    )

    def __init__(self, item: Item, sink: Sink, options: Options) -> None:
        self._item = item
        self._sink = sink
        self._options = options
        self._writer: Writer | None = None
        self._digest = _sha256() if options.sha256 or item.sha256 else None
        self._sha256 = ""
        self._status = 0
        self._expected_bytes: int | None = None
        self._inflater: Inflater | None = None
        self._start: bytes | None = b""  # collected until it shows the type
        self._found_type = ""
        self._picture: PictureSize | None = None
        self.content_type = ""
        self.path = ""
        self.size = 0

    @property
    def is_promised(self) -> bool:
        """Whether the response said how long its body is."""
        return self._expected_bytes is not None

    def begin(
        self,
        status: int,
        content_type: str,
        expected_bytes: int | None,
        robots: str = "",
        encoding: str = "",
    ) -> None:
        """
        Check the headers.

        Args:
            status: HTTP status.

            content_type: Content-Type; empty: absent.

            expected_bytes: Content-Length; None: absent.

            robots: Values of X-Robots-Tag, one a line; empty: absent, or of no
                interest.

            encoding: Content-Encoding; empty: absent.

        Raises:
            RefusedError: If the body is not wanted.
        """
        self._status = status
        self.content_type = legible(content_type)
        options = self._options
        if status != _OK:
            detail = f"expected status 200, got {status}"
            raise RefusedError(Outcome.HTTP_STATUS, detail)
        if robots and (tag := reserved(robots)):
            detail = f"the origin's X-Robots-Tag says {tag}"
            raise RefusedError(Outcome.BLOCKED, detail)
        if encoding and (inflater := inflater_for(encoding, content_type)):
            self._inflater = inflater
            expected_bytes = None  # the engine checks the compressed length
        self._expected_bytes = expected_bytes
        if expected_bytes is not None and expected_bytes > options.max_bytes:
            self._refuse_size(expected_bytes)

    def write(self, parts: Sequence[bytes]) -> None:
        """
        Receive the next parts of the body.

        Raises:
            RefusedError: If it has grown too large, is not of its type, or the sink
                failed.
        """
        if not self._inflater:
            self._write(parts)
            return
        try:
            for chunk in parts:
                for piece in self._inflater.feed(chunk):
                    self._write((piece,))
        except ValueError as error:
            raise RefusedError(Outcome.PROTOCOL, str(error)) from error

    def _write(self, parts: Sequence[bytes]) -> None:
        self._check_parts(parts)
        try:
            if not self._writer:
                self._writer = self._sink.open(self._item)
            self._writer.write(parts)
        except OSError as error:
            raise _sink_failed(error) from error

    def finish(self, parts: Sequence[bytes] = ()) -> Download:
        """
        Receive the last parts, and keep the body if it is whole.

        Raises:
            RefusedError: If it is not, or for the reasons of `write`.
        """
        if self._writer or self._inflater:
            self.write(parts)
        else:
            self._check_parts(parts)
        self._check_whole()
        whole = self._whole()
        try:
            if self._writer:
                self.path = self._writer.commit(whole)
            else:  # all of it is there
                self.path = self._sink.keep(self._item, parts, whole)
        except OSError as error:
            raise _sink_failed(error) from error
        self._writer = None
        return whole

    def _whole(self) -> Download:
        width, height = self._picture.size if self._picture else UNKNOWN
        seen = self.content_type, self._found_type, self._sha256, width, height
        return made((_WHOLE, self._status, self.size, *seen, *_NOT_YET))

    def fail(
        self, outcome: Outcome, detail: str, retry_after_s: float = 0.0
    ) -> Download:
        """Discard what arrived and return how it ended; if cut, with how much came."""
        self.discard()
        if outcome is Outcome.CUT and self._expected_bytes is not None:
            sizes = f"expected {self._expected_bytes:,} bytes, got {self.size:,}"
            detail = f"{sizes}: {detail}"
        return Download(
            outcome,
            self._status,
            self.size,
            detail=one_line(detail),
            retry_after_s=retry_after_s,
            content_type=self.content_type,
            found_type=self._found_type,
        )

    def renewed(self) -> Body:
        """Discard what arrived; return the receiver of the same response once more."""
        self.discard()
        return Body(self._item, self._sink, self._options)

    def discard(self) -> None:
        """Discard what arrived, if anything did."""
        if self._writer:
            self._writer.discard()
            self._writer = None

    def _check_parts(self, parts: Sequence[bytes]) -> None:
        size = self.size = self.size + sum(map(len, parts))
        if size > self._options.max_bytes:
            self._refuse_size(size)
        if self._digest:
            for chunk in parts:
                self._digest.update(chunk)
        start = self._start
        if start is None:
            if self._picture:
                self._picture.feed(parts)
            return
        taken = 0
        while taken < len(parts) and len(start) < SNIFFED_BYTES:
            start += parts[taken]
            taken += 1
        self._start = start
        if len(start) >= SNIFFED_BYTES:
            self._check_start(start)
            if self._picture and taken < len(parts):
                self._picture.feed(parts[taken:])

    def _check_start(self, start: bytes) -> None:
        """Learn what the first bytes show."""
        self._start = None
        self._found_type = found = type_of(start[:SNIFFED_BYTES])
        if self._sink.tells_sizes:
            self._picture = PictureSize(found, start)
        if expected := self._options.expect_type:
            detail = mismatch(expected, self.content_type, found, start)
            if detail:
                raise RefusedError(Outcome.WRONG_TYPE, detail)

    def _check_whole(self) -> None:
        if self._expected_bytes is not None and self.size != self._expected_bytes:
            raise RefusedError(Outcome.CUT, "the body ended early")
        if self._inflater and not self._inflater.is_whole:
            raise RefusedError(Outcome.CUT, "the compressed body ended early")
        if self._start is not None:
            self._check_start(self._start)
        if self._digest:
            self._check_digest(self._digest.hexdigest())

    def _check_digest(self, got: str) -> None:
        expected = self._item.sha256
        if expected and got != expected.lower():
            detail = f"expected sha256 {expected}, got {got}"
            raise RefusedError(Outcome.CHECKSUM, detail)
        self._sha256 = got

    def _refuse_size(self, size: int) -> NoReturn:
        detail = f"expected at most {self._options.max_bytes:,} bytes, got {size:,}"
        raise RefusedError(Outcome.TOO_LARGE, detail)


def _sha256() -> hashlib._Hash:
    import hashlib  # noqa: PLC0415 - loads OpenSSL: 4 MB that hardly any list needs

    return hashlib.sha256()


def _sink_failed(error: OSError) -> RefusedError:
    where = f" at {error.filename}" if error.filename else ""
    detail = f"could not keep the body{where}: {error.strerror or error}"
    return RefusedError(Outcome.SINK, detail)
