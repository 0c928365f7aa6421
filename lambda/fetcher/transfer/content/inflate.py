"""Decompression of bodies, piece by piece."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from fetcher.contract.outcome import Outcome
from fetcher.transfer.content.file_types import plain
from fetcher.transfer.refused_response import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

# RFC 9110, section 8.4.1; x-gzip is an old name of gzip.
_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
ACCEPTED = "gzip, deflate"
_GZIP_FILES = frozenset({"application/gzip", "application/x-tgz"})

_PIECE_BYTES = 1_048_576  # a few bytes can inflate to a thousand times as many
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


_RAW_DEFLATE = -zlib.MAX_WBITS
_START_BYTES = 2  # that tell one from the other


class Inflater:
    """
    Decompressor of one body.

    Args:
        may_be_raw: Whether it may lack the header of zlib: some origins take "deflate"
            by its word, which RFC 9110 notes, and browsers accept that.
    """

    def __init__(self, *, may_be_raw: bool = False) -> None:
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._may_be_raw = may_be_raw
        self._start = b""
        self._is_empty = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """
        Yield what a part of the body inflates to, at most 1 MB at a time.

        Raises:
            ValueError: If it does not inflate.
        """
        if chunk:
            self._is_empty = False
        if self._may_be_raw:
            chunk = self._start = self._start + chunk
            if len(chunk) < _START_BYTES:
                return
            self._may_be_raw = False
            if not _has_header(chunk):
                self._inflater = zlib.decompressobj(_RAW_DEFLATE)
        try:
            while chunk:
                if self._inflater.eof:  # gzip may have several members: RFC 1952
                    self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
                yield self._inflater.decompress(chunk, _PIECE_BYTES)
                chunk = self._inflater.unconsumed_tail or self._inflater.unused_data
        except zlib.error as error:
            msg = f"the body does not inflate: {error}"
            raise ValueError(msg) from error

    @property
    def is_whole(self) -> bool:
        """Whether the compressed data has come to its end; without any, it has."""
        return self._is_empty or self._inflater.eof


def _has_header(start: bytes) -> bool:
    """Tell whether data begin as gzip or zlib: RFC 1952, 2.3.1, and RFC 1950, 2.2."""
    is_zlib = start[0] & 0x0F == zlib.DEFLATED and (start[0] << 8 | start[1]) % 31 == 0
    return is_zlib or start.startswith(b"\x1f\x8b")


def inflater_for(encoding: str, content_type: str) -> Inflater | None:
    """
    Return what undoes a Content-Encoding, asked for or not; None: nothing is to be.

    Raises:
        RefusedError: If the encoding is unknown.
    """
    name = encoding.lower()
    if name == "identity":
        return None
    if name not in _ENCODINGS:
        detail = f"expected a body sent as {ACCEPTED}, got {encoding}"
        raise RefusedError(Outcome.PROTOCOL, detail)
    # Of x.tar.gz some origins say that it is gzip, and encoded as gzip: it is so once.
    is_own = "gzip" in name and plain(content_type) in _GZIP_FILES
    return None if is_own else Inflater(may_be_raw=name == "deflate")
