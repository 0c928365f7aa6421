"""The head of a response, where libcurl offers no accessor for it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pycurl

if TYPE_CHECKING:
    from collections.abc import Callable

_EMPTY_LINES = frozenset({b"\r\n", b"\n"})


@lru_cache(256)
def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


class Head:
    """
    What one of libcurl's handles received before the body.

    Args:
        handle: libcurl's.

    Attributes:
        listens: Whether its lines are kept, from the next request on.
    """

    def __init__(self, handle: pycurl.Curl) -> None:
        self._set: Callable[..., None] = handle.setopt
        self._info: Callable[[int], int] = handle.getinfo
        self._raw: Callable[[int], bytes | None] = handle.getinfo_raw
        self._lines: list[bytes] = []
        self.listens = False

    def listen(self) -> None:
        """
        Keep the lines, and have bodies passed on as they travel.

        libcurl inflates what it is not told to leave, cut or not, and does not say so.
        """
        self.listens = True
        self._set(pycurl.HTTP_CONTENT_DECODING, 0)
        self._set(pycurl.HEADERFUNCTION, self._lines.append)

    def lacks_encoding(self, size: int) -> bool:
        """
        Tell whether a body of this size travelled encoded, and nobody listened.

        libcurl has undone it, and has no accessor for Content-Encoding: the number of
        bytes that travelled tells.
        """
        if self.listens:
            return False
        travelled: int = self._info(pycurl.SIZE_DOWNLOAD_T)
        return travelled != size

    def clear(self) -> None:
        """Forget the lines of the previous request."""
        self._lines.clear()

    @property
    def is_whole(self) -> bool:
        """Whether its end has come; unknown, so False, unless it was listened to."""
        return not _EMPTY_LINES.isdisjoint(self._lines)

    def text(self, info: int) -> str:
        """Return one of libcurl's infos as text, whatever encoding the origin used."""
        return _decoded(self._raw(info) or b"")

    def values(self, name: bytes) -> list[str]:
        """Return the values of a header in the latest head."""
        values: list[str] = []
        for line in self._lines:
            if line.startswith(b"HTTP/"):
                values.clear()
            key, _, value = line.partition(b":")
            if key.lower() == name:
                values.append(value.decode("latin-1").strip())
        return values
