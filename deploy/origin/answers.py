"""The origin's responses."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from http.client import responses
from typing import TYPE_CHECKING

from origin import fault_query
from origin.picture import jpeg

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST_MOST_BYTES = 65_536

_CACHE_BYTES = 256_000_000
_PLACE = "/<bytes>/<number>.jpg"
_PICTURE = re.compile(r"/(\d{1,18})/(\d{1,18})\.jpg(?:\?(.*))?", re.ASCII)
_REQUEST = re.compile(rb"(\S+) (\S+) HTTP/1\.([01])(?:\r\n|$)")
_METHODS = (b"GET", b"HEAD")
_NO_REQUEST = "This is not an HTTP/1 request."
_NO_METHOD = "The origin knows GET and HEAD only."
_EMPTY = memoryview(b"")


class Ending(Enum):
    """What happens to a connection after a response."""

    NEXT = auto()
    CLOSE = auto()
    RESET = auto()
    SILENCE = auto()
    DRIP = auto()


@dataclass(frozen=True, slots=True)
class Response:
    """
    A response, ready to be sent.

    Attributes:
        data: Head and body, or what a fault leaves of them.

        picture_bytes: Size of the part of a picture in it.

        files: 1 if it is a whole picture, else 0.

        rest: What drips afterwards, a byte a second.

        is_counted: Whether its request counts.
    """

    data: memoryview
    head_bytes: int
    picture_bytes: int = 0
    files: int = 0
    ending: Ending = Ending.NEXT
    delay_s: float = 0
    rest: memoryview = _EMPTY
    is_counted: bool = True

    def as_last(self) -> Response:
        """Close the connection afterwards, unless a fault does otherwise."""
        if self.ending is not Ending.NEXT:
            return self
        return replace(self, ending=Ending.CLOSE)

    def without_body(self) -> Response:
        """Return the response to HEAD: faults of bodies do not affect it."""
        if not self.head_bytes:
            return self
        head, delay_s = self.data[: self.head_bytes], self.delay_s
        is_counted = self.is_counted
        return Response(head, len(head), delay_s=delay_s, is_counted=is_counted)

    def half(self, ending: Ending) -> Response:
        """Return it without the second half of the body."""
        half = (len(self.data) - self.head_bytes) // 2
        data = self.data[: self.head_bytes + half]
        return replace(self, data=data, picture_bytes=half, files=0, ending=ending)

    def dripping(self) -> Response:
        """Return it with a body that drips."""
        head, body = self.data[: self.head_bytes], self.data[self.head_bytes :]
        return replace(self, data=head, ending=Ending.DRIP, rest=body)


def nothing(ending: Ending, delay_s: float = 0) -> Response:
    """Return what is sent instead of a response: nothing."""
    return Response(_EMPTY, head_bytes=0, ending=ending, delay_s=delay_s)


def response(
    status: int, content_type: str, body: bytes, *, more: str = "", delay_s: float = 0
) -> Response:
    """Return a response; `more` are further lines of the head."""
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    head = (
        f"HTTP/1.1 {status} {responses.get(status, 'Fault')}\r\n"
        f"{kind}Content-Length: {len(body)}\r\n{more}\r\n"
    ).encode()
    return Response(memoryview(head + body), head_bytes=len(head), delay_s=delay_s)


def counts(**values: object) -> Response:
    """Return a response with counts of requests; its own is not counted."""
    found = response(200, "application/json", json.dumps(values).encode())
    return replace(found, is_counted=False)


def answer(head: bytes, find: Callable[[str], Response]) -> Response:
    """
    Return the response to a request.

    Args:
        head: The request's, without the empty line.

        find: Returns the response to GET of a path.
    """
    request = _REQUEST.match(head)
    if request is None or len(head) > REQUEST_MOST_BYTES:
        return _text(400, _NO_REQUEST).as_last()
    method, target, minor = request.groups()
    if method not in _METHODS:
        return _text(501, _NO_METHOD).as_last()
    found = find(target.decode("latin-1"))
    if method == b"HEAD":
        found = found.without_body()
    is_last = minor == b"0" or b"connection: close" in head.lower()
    return found.as_last() if is_last else found


@dataclass(slots=True)
class Stats:
    """
    Counts since the start. Requests for them do not count.

    Attributes:
        requests: All requests, refused ones and faults included.

        files: Whole pictures handed to the network.

        body_bytes:
            Bytes of whole pictures, and of the halves that faults leave; nothing for a
            client that left midway.
    """

    requests: int = 0
    files: int = 0
    body_bytes: int = 0

    def add(self, response: Response) -> None:
        """Count a response that was sent."""
        self.files += response.files
        self.body_bytes += response.picture_bytes


class Site:
    """Responses to requests, with the latest 256 MB of pictures cached."""

    def __init__(self) -> None:
        self.stats = Stats()
        self._cache: OrderedDict[int, Response] = OrderedDict()
        self._cached_bytes = 0

    def answer(self, head: bytes) -> Response:
        """Return the response to a request, given its head without the empty line."""
        found = answer(head, self._find)
        self.stats.requests += found.is_counted
        return found

    def _find(self, target: str) -> Response:
        if target in ("/", "/health"):
            return counts(name="origin", pictures=_PLACE, **asdict(self.stats))
        if target == "/stats":
            return counts(**asdict(self.stats))
        picture = _PICTURE.fullmatch(target)
        if picture is None:
            return _text(404, f"Nothing is at {target}. Pictures are at {_PLACE}.")
        size, number, query = picture.groups(default="")
        try:
            return self._picture(int(size), int(number), fault_query.parse(query))
        except ValueError as error:
            return _text(400, str(error))

    def _picture(
        self, size_bytes: int, number: int, wanted: fault_query.Faults
    ) -> Response:
        whole = self._whole(size_bytes)
        found = _faulty(whole, wanted) if number % wanted.every == 0 else whole
        return replace(found, delay_s=wanted.latency_s) if wanted.latency_s else found

    def _whole(self, size_bytes: int) -> Response:
        if size_bytes in self._cache:
            self._cache.move_to_end(size_bytes)
            return self._cache[size_bytes]
        whole = response(200, "image/jpeg", jpeg(size_bytes))
        whole = replace(whole, picture_bytes=size_bytes, files=1)
        self._cache[size_bytes] = whole
        self._cached_bytes += size_bytes
        while self._cached_bytes > _CACHE_BYTES:
            dropped, _ = self._cache.popitem(last=False)
            self._cached_bytes -= dropped
        return whole


def _faulty(whole: Response, wanted: fault_query.Faults) -> Response:
    match wanted.fault:
        case "status":
            return _text(wanted.status, f"The URL asks for status {wanted.status}.")
        case "reset":
            return nothing(Ending.RESET)
        case "cut":
            return whole.half(Ending.CLOSE)
        case "stall":
            return whole.half(Ending.SILENCE)
        case _:
            return whole


def _text(status: int, sentence: str) -> Response:
    return response(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())
