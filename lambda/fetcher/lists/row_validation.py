"""Validation of rows: which are fetched, which are no URL, which repeat others."""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.contract.source import made
from fetcher.lists.duplicate_rows import SeenRows
from fetcher.lists.file_names import host_and_path
from fetcher.lists.problems import Problems
from fetcher.s3.urls import SCHEME, place_of
from fetcher.security import guard
from fetcher.security.masking import has_credentials, masked, masked_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fetcher.contract.source import Item
    from fetcher.lists.columns import Rows

_NOT_READ = "not read: "
_MOST_SHOWN = 200  # characters of what is no URL
_MOST_OF_DIGEST = 80
_sha256 = re.compile(r"[0-9a-fA-F]{64}").fullmatch

# Nearly all URLs are plain: there is nothing to mend in them, and what follows `//` is
# how they are compared. No port, no fragment, and no query that is empty.
_plain = re.compile(
    rf"^https?://({guard.PLAIN_HOST}/(?:[!-\"$-~]{{0,4000}}[!-\"$->@-~])?+)$",
    re.MULTILINE,
).findall

# The same with a port that is not the scheme's own, as servers on this machine have.
_plain_at_port = re.compile(
    rf"^https?://({guard.PLAIN_HOST}):(?!0|(?:80|443)/)({guard.PLAIN_PORT})"
    r"(/(?:[!-\"$-~]{0,4000}[!-\"$->@-~])?+)$",
    re.MULTILINE,
).findall

# What browsers do to URLs: https://url.spec.whatwg.org/#concept-basic-url-parser
_EDGES = "".join(map(chr, range(33)))
_DROPPED = re.compile(r"[\t\n\r]")
_ENCODED = re.compile(r"[\x00-\x20\x7f]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SEPARATORS = re.compile(r"[\t\n]")  # of columns and values, where a list is kept


class RowBlock(NamedTuple):
    """
    Consecutive rows of a list, in columns; an optional one is empty if all values are.

    Attributes:
        first: The number of the first, from 0.

        urls, destinations, sha256s, refusals, carried: As in `Item`.
    """

    first: int
    urls: Sequence[str]
    destinations: Sequence[str] = ()
    sha256s: Sequence[str] = ()
    refusals: Sequence[str] = ()
    carried: Sequence[str] = ()

    def cut(self, start: int, end: int) -> RowBlock:
        """Return those from one position to another."""
        return RowBlock(self.first + start, *(one[start:end] for one in self[1:]))

    def items(self) -> Iterator[Item]:
        """Yield them as items."""
        numbers = range(self.first, self.first + len(self.urls))
        columns = (column or repeat("") for column in self[1:])
        return map(made, zip(numbers, *columns, strict=False))


class RowValidator:
    """
    Validator of a list's rows, which come in their order, by the rules of a `UrlList`.

    Attributes:
        count: How many rows came.

        problems: Those that are not fetched.

        seen: What the rows name.
    """

    def __init__(self, *, allow_s3: bool, allow_credentials: bool) -> None:
        self._allow_s3 = allow_s3
        self._allow_credentials = allow_credentials
        self.count = 0
        self.problems = Problems()
        self.seen = SeenRows()

    def judged(self, rows: Rows) -> RowBlock:
        """Return rows as they are to be fetched, or refused."""
        first, size = self.count, len(rows.urls)
        self.count += size
        refusals: dict[int, str] = {}
        urls, keys = _quick(rows) or self._one_by_one(rows, refusals)
        names = _names(rows)
        sha256s = _digests(rows, refusals)
        for place in refusals:
            keys[place] = ""
        what = "has the URL or the name" if names else "repeats the URL"
        for place, found in self.seen.add(keys, first, names).items():
            refusals[place] = f"duplicate: {what} of row {found + 1:,}"
        for place, refusal in sorted(refusals.items()):
            self.problems.add(first + place + 1, refusal)
        told = [refusals.get(place, "") for place in range(size)] if refusals else ()
        optional = (names, sha256s, told, rows.carried)
        return RowBlock(first, urls, *(one if any(one) else () for one in optional))

    def _one_by_one(
        self, rows: Rows, refusals: dict[int, str]
    ) -> tuple[list[str], list[str]]:
        """Return URLs, and how they are compared; note those that are none."""
        urls, keys = [], []
        for place, value in enumerate(rows.urls):
            problem = rows.problems.get(place, "")
            url, key = "", ""
            if not problem:
                try:
                    url, key = self._checked(value)
                except ValueError as error:
                    problem = str(error)
            if problem:
                refusals[place] = f"bad_url: {_CONTROLS.sub(_percent, problem)}"
                url = _shown(value)
            urls.append(url)
            keys.append(key)
        return urls, keys

    def _checked(self, value: Any) -> tuple[str, str]:  # noqa: ANN401 - as JSON has it
        """Return a URL that can be fetched and how it is compared, or `ValueError`."""
        url = cleaned(_text(value))
        if not url:
            msg = "names no URL"
            raise ValueError(msg)
        if found := _plain_keys(url):
            return url, found[0]
        if url.startswith(SCHEME):
            if not self._allow_s3:
                msg = "s3:// is for runs on Lambda that name its buckets in `sources`"
                raise ValueError(msg)
            place_of(url)
            if _SEPARATORS.search(url):
                msg = "the key holds a tab or a line feed; such objects are not fetched"
                raise ValueError(msg)
            return url, url
        return url, self._compared(url)

    def _compared(self, url: str) -> str:
        """Return how an HTTP URL is compared, or raise `ValueError`."""
        parts = guard.check_url(url)
        if not self._allow_credentials and has_credentials(url):
            msg = "The URL holds a user name or password."
            raise ValueError(msg)
        return "/".join(host_and_path(parts))


def _quick(rows: Rows) -> tuple[list[str], list[str]] | None:
    """Return the same for rows whose URLs are all plain; None: some are not."""
    if rows.problems:
        return None
    try:
        text = "\n".join(rows.urls)
    except TypeError:  # they are not all texts
        return None
    if text.count("\n") != len(rows.urls) - 1:
        return None
    keys = _plain_keys(text)
    return (list(rows.urls), keys) if len(keys) == len(rows.urls) else None


def _plain_keys(text: str) -> list[str]:
    """Return how the lines of a text are compared, if all or none have a port."""
    return _plain(text) or [
        f"{host}+{port}{path}" for host, port, path in _plain_at_port(text)
    ]


def cleaned(url: str) -> str:
    r"""
    Return a URL as browsers take it: trimmed, in one line, its spaces encoded.

    >>> cleaned(" http://h/a b.jpg\n")
    'http://h/a%20b.jpg'
    """
    if url.isprintable() and " " not in url:
        return url
    if url.startswith(SCHEME):  # everything in a key counts
        return url.strip("\r\n")
    return _ENCODED.sub(_percent, _DROPPED.sub("", url.strip(_EDGES)))


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{one:02X}" for one in found[0].encode(errors="surrogatepass"))


def _text(value: Any) -> str:  # noqa: ANN401
    """Return a URL as a text that can be written down, or `ValueError`."""
    if value is None:
        return ""
    if not isinstance(value, str):
        msg = f"the URL is of type {type(value).__name__}; it must be text"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for one bad row
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            msg = "the URL holds half a surrogate pair, which UTF-8 cannot spell"
            raise ValueError(msg) from None
    return value


def _names(rows: Rows) -> list[str]:
    """Return the names to store rows under."""
    if not any(rows.names) and 0 not in rows.names:
        return []
    texts = (one if type(one) is str else _spelled(one) for one in rows.names)
    return [_CONTROLS.sub(_percent, text) for text in texts]


def _digests(rows: Rows, refusals: dict[int, str]) -> list[str]:
    if not any(rows.sha256s):
        return []
    digests = []
    for place, value in enumerate(rows.sha256s):
        digest = value or ""
        if digest and not (isinstance(digest, str) and _sha256(digest)):
            digest = _excerpt(_spelled(digest))[:_MOST_OF_DIGEST]
            problem = f"bad_url: sha256 is {digest!r}; it must be 64 hex digits"
            refusals.setdefault(place, problem)
        digests.append(digest)
    return digests


def _spelled(value: Any) -> str:  # noqa: ANN401
    """Return a value as a text; an empty one if it is none, or nested too deeply."""
    try:
        return "" if value is None else str(value)
    except RecursionError:
        return ""


def _excerpt(text: str) -> str:
    """Return the beginning of a text in one line, masked."""
    text = text[: 2 * _MOST_SHOWN]
    return masked_in(_CONTROLS.sub(" ", masked(text)))[:_MOST_SHOWN]


def _shown(value: Any) -> str:  # noqa: ANN401
    """Return what stands in place of a URL: none, that may be shown to anybody."""
    shown = _excerpt(_spelled(value).strip())
    try:
        guard.check_url(cleaned(shown))
    except guard.BadUrlError:
        return shown
    return f"{_NOT_READ}{shown}"  # else it would be fetched by whoever reads it
