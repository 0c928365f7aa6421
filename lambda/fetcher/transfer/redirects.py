"""Where a response sends us, if it does, and whether we go there."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from fetcher.contract.outcome import Outcome
from fetcher.security import guard
from fetcher.transfer.ending import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 5
STATUSES = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_HAS_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*:")
_AS_IT_IS = "".join(map(chr, range(0x21, 0x7F)))


def place_of(status: int, locations: Sequence[str]) -> str:
    """
    Return where a response redirects to; nothing: it does not.

    Raises:
        RefusedError: If that is to several places at once.

    >>> place_of(302, ["/a", "/a"]), place_of(302, []), place_of(200, ["/a"])
    ('/a', '', '')
    """
    if status not in STATUSES or not locations:
        return ""
    if len(set(locations)) > 1:
        detail = "not HTTP: redirected to several places at once"
        raise RefusedError(Outcome.PROTOCOL, detail)
    return locations[0]


def joined(url: str, location: str) -> str:
    """
    Return the absolute URL that a Location header stands for.

    Raises:
        BadUrlError: If it is malformed.

    >>> joined("http://h/a/b", "../c"), joined("http://h/a", "http://")
    ('http://h/c', 'http://')
    """
    if _HAS_SCHEME.match(location):
        return location
    try:
        return urljoin(url, location)
    except ValueError:
        msg = "The URL's host or port is malformed."
        raise guard.BadUrlError(msg) from None


def checked(url: str) -> str:
    """
    Return the absolute URL of a redirect as it may be asked for, with no password.

    Neither the origin's nor the first URL's own goes on: nobody knows for whom it was.

    Raises:
        BlockedError: If its scheme is another than http and https.

        BadUrlError: If it is malformed.

    >>> checked("http://h/a b%20c?d=%2C")
    'http://h/a%20b%20c?d=%2C'
    >>> checked("http://user:secret@h/a@b")
    'http://h/a@b'
    """
    if not url.lower().startswith(("http:", "https:")):
        reason = "redirected to a scheme other than http and https"
        raise guard.BlockedError(reason)
    exactly = quote(url, safe=_AS_IT_IS) if url.isascii() else url
    authority = guard.check_url(exactly).netloc
    if "@" not in authority:
        return exactly
    return exactly.replace(authority, authority.rpartition("@")[2], 1)
