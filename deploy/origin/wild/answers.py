"""The answers of a wild host: what is sent, when, and what follows."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from http.client import responses
from time import monotonic
from typing import TYPE_CHECKING

from origin.wild.mixture import LIMIT_PER_S

if TYPE_CHECKING:
    from origin.wild.url_list import Web, WildUrl

_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>%s</title></head>"
    b"<body><h1>%s</h1></body></html>\n"
)
_REFUSALS = {"403": 403, "404": 404, "410": 410}
_PARKED = _PAGE % (b"This domain is for sale", b"This domain is for sale")


class Afterwards(Enum):
    """What happens to a connection once the data is sent."""

    NEXT = auto()
    CLOSE = auto()
    RESET = auto()
    SILENCE = auto()
    DRIP = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An answer to one request.

    Attributes:
        data: Head and body, or what the fate leaves of them.

        rest: What drips, a byte a second.
    """

    data: bytes
    after: Afterwards = Afterwards.NEXT
    delay_s: float = 0.0
    rest: bytes = b""

    def without_body(self) -> Answer:
        """Return the answer to HEAD: what befalls bodies does not befall it."""
        head, end, _ = self.data.partition(b"\r\n\r\n")
        return Answer(head + end, delay_s=self.delay_s) if end else self

    def as_last(self) -> Answer:
        """Close the connection afterwards, unless something else ends it."""
        after = Afterwards.CLOSE if self.after is Afterwards.NEXT else self.after
        return replace(self, after=after)


class WildSite:
    """
    All hosts of a web, with what they remember, and counts of what was asked.

    Attributes:
        connections: Connections by host; to refused and dropped ones, none is seen.
    """

    def __init__(self, web: Web) -> None:
        self._by_place = {(url.host, url.path): url for url in web.urls}
        self._failed: set[int] = set()
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self.requests: defaultdict[str, int] = defaultdict(int)
        self.connections: defaultdict[str, int] = defaultdict(int)

    def answer(self, host: str, path: str) -> Answer:
        """Return what a host does when asked for a path."""
        self.requests[host] += 1
        url = self._by_place.get((host, path))
        if url is None:
            return refusal(404)
        if url.fate == "limited" and not self._allows(host):
            return refusal(429, more="Retry-After: 1\r\n")
        if url.fate == "flaky" and url.number not in self._failed:
            self._failed.add(url.number)
            return refusal(503, url.first_byte_s)
        return _settled(url)

    def _allows(self, host: str) -> bool:
        """Count the request if its host's limit allows it now."""
        now, recent = monotonic(), self._recent[host]
        while recent and now - recent[0] >= 1:
            recent.popleft()
        if len(recent) >= LIMIT_PER_S:
            return False
        recent.append(now)
        return True


def _settled(url: WildUrl) -> Answer:
    if url.fate in _REFUSALS:
        return refusal(_REFUSALS[url.fate], url.first_byte_s)
    body = _PARKED if url.fate == "parked" else url.body()
    head = _head(200, url.content_type, len(body))
    half = head + body[: len(body) // 2]
    match url.fate:
        case "mute":
            data, after = b"", Afterwards.SILENCE
        case "reset":
            data, after = b"", Afterwards.RESET
        case "stall":
            data, after = half, Afterwards.SILENCE
        case "cut":
            data, after = half, Afterwards.CLOSE
        case "drip":
            return Answer(head, Afterwards.DRIP, url.first_byte_s, body)
        case _:
            data, after = head + body, Afterwards.NEXT
    return Answer(data, after, url.first_byte_s)


def refusal(status: int, delay_s: float = 0.0, more: str = "") -> Answer:
    """Return a page that names a status."""
    title = responses[status].encode()
    body = _PAGE % (title, title)
    return Answer(_head(status, "text/html", len(body), more) + body, delay_s=delay_s)


def _head(status: int, content_type: str, length: int, more: str = "") -> bytes:
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    return (
        f"HTTP/1.1 {status} {responses[status]}\r\n"
        f"{kind}Content-Length: {length}\r\n{more}\r\n"
    ).encode()
