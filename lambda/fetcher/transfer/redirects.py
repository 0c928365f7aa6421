"""Redirects: where a response leads, and whether we follow."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from fetcher.contract.outcome import Outcome
from fetcher.security import guard
from fetcher.transfer.refused_response import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_REDIRECTS = 5
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
_UNQUOTED = "".join(map(chr, range(0x21, 0x7F)))


def target_of(status: int, locations: Sequence[str]) -> str:
    """
    Return where a response redirects to; empty: nowhere.

    Raises:
        RefusedError: If it names several places at once.

    >>> target_of(302, ["/a", "/a"]), target_of(302, []), target_of(200, ["/a"])
    ('/a', '', '')
    """
    if status not in STATUSES or not locations:
        return ""
    if len(set(locations)) > 1:
        detail = "not HTTP: redirected to several places at once"
        raise RefusedError(Outcome.PROTOCOL, detail)
    return locations[0]


def absolute(url: str, location: str) -> str:
    """
    Return the absolute URL that a Location header stands for.

    Raises:
        BadUrlError: If it is malformed.

    >>> absolute("http://h/a/b", "../c"), absolute("http://h/a", "http://")
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
    Return the absolute URL of a redirect as it may be fetched, without a password.

    Neither the origin's nor the first URL's is passed on: it may be meant for another.

    Raises:
        BlockedError: If its scheme is neither http nor https.

        BadUrlError: If it is malformed.

    >>> checked("http://h/a b%20c?d=%2C")
    'http://h/a%20b%20c?d=%2C'
    >>> checked("http://user:secret@h/a@b")
    'http://h/a@b'
    """
    if not url.lower().startswith(("http:", "https:")):
        reason = "redirected to a scheme other than http and https"
        raise guard.BlockedError(reason)
    # yarl encodes what is not ASCII.
    encoded = quote(url, safe=_UNQUOTED) if url.isascii() else url.replace(" ", "%20")
    authority = guard.check_url(encoded).netloc
    if "@" not in authority:
        return encoded
    return encoded.replace(authority, authority.rpartition("@")[2], 1)
