"""The answers of a wild host: what is sent, when, and what follows."""

from __future__ import annotations

from collections import defaultdict, deque
from http.client import responses
from time import monotonic
from typing import TYPE_CHECKING

from origin.answers import Ending, Response, counts, nothing, response
from origin.wild.fates import LIMIT_PER_S

if TYPE_CHECKING:
    from origin.wild.synthetic_web import Web, WildUrl

_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>%s</title></head>"
    b"<body><h1>%s</h1></body></html>\n"
)
_REFUSALS = {"403": 403, "404": 404, "410": 410}
_NOTHING = {"mute": Ending.SILENCE, "reset": Ending.RESET}
_HALF = {"stall": Ending.SILENCE, "cut": Ending.CLOSE}
_PARKED = _PAGE % (b"This domain is for sale", b"This domain is for sale")


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

    def counts(self, _path: str) -> Response:
        """Return requests and connections by host."""
        return counts(connections=self.connections, requests=self.requests)

    def answer(self, host: str, path: str) -> Response:
        """Return what a host does when asked for a path."""
        self.requests[host] += 1
        url = self._by_place.get((host, path))
        if url is None:
            return _refusal(404)
        if url.fate == "limited" and not self._allows(host):
            return _refusal(429, more="Retry-After: 1\r\n")
        if url.fate == "flaky" and url.number not in self._failed:
            self._failed.add(url.number)
            return _refusal(503, url.first_byte_s)
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


def _settled(url: WildUrl) -> Response:
    delay_s = url.first_byte_s
    if url.fate in _REFUSALS:
        return _refusal(_REFUSALS[url.fate], delay_s)
    if url.fate in _NOTHING:
        return nothing(_NOTHING[url.fate], delay_s)
    body = _PARKED if url.fate == "parked" else url.body()
    whole = response(200, url.content_type, body, delay_s=delay_s)
    if url.fate in _HALF:
        return whole.half(_HALF[url.fate])
    return whole.dripping() if url.fate == "drip" else whole


def _refusal(status: int, delay_s: float = 0.0, more: str = "") -> Response:
    """Return a page that names a status."""
    title = responses[status].encode()
    page = _PAGE % (title, title)
    return response(status, "text/html", page, more=more, delay_s=delay_s)
