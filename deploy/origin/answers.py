"""The origin's responses."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from http.client import responses

from origin import faults
from origin.picture import jpeg

REQUEST_MOST_BYTES = 65_536

_CACHE_BYTES = 256_000_000
_PLACE = "/<bytes>/<number>.jpg"
_PICTURE = re.compile(r"/(\d{1,18})/(\d{1,18})\.jpg(?:\?(.*))?", re.ASCII)
_REQUEST = re.compile(rb"(\S+) (\S+) HTTP/1\.([01])(?:\r\n|$)")
_METHODS = (b"GET", b"HEAD")
_NO_REQUEST = "This is not an HTTP/1 request."
_NO_METHOD = "The origin knows GET and HEAD only."


@dataclass(frozen=True, slots=True)
class Head:
    """
    The head of a request.

    Attributes:
        is_known: Whether its method is GET or HEAD.

        wants_body: Whether it is anything but HEAD.

        is_last: Whether the connection closes afterwards.
    """

    target: str
    is_known: bool
    wants_body: bool
    is_last: bool


def read_head(head: bytes) -> Head | None:
    """Read a request's head, given without the empty line; None if it is no HTTP/1."""
    request = _REQUEST.match(head)
    if request is None or len(head) > REQUEST_MOST_BYTES:
        return None
    method, target, minor = request.groups()
    return Head(
        target.decode("latin-1"),
        is_known=method in _METHODS,
        wants_body=method != b"HEAD",
        is_last=minor == b"0" or b"connection: close" in head.lower(),
    )


class Ending(Enum):
    """What happens to a connection after a response."""

    NEXT = auto()
    CLOSE = auto()
    RESET = auto()
    SILENCE = auto()


@dataclass(frozen=True, slots=True)
class Response:
    """
    A response, ready to be sent.

    Attributes:
        data: Head and body, or what a fault leaves of them.

        picture_bytes: Size of the part of a picture in it.

        files: 1 if it is a whole picture, else 0.
    """

    data: memoryview
    head_bytes: int
    picture_bytes: int = 0
    files: int = 0
    ending: Ending = Ending.NEXT
    delay_s: float = 0

    def without_body(self) -> Response:
        """Return the response to HEAD that matches this one to GET."""
        head = self.data[: self.head_bytes]
        return replace(self, data=head, picture_bytes=0, files=0)


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
        request = read_head(head)
        if request is None or not request.is_known:
            self.stats.requests += 1
            refusal = _text(501, _NO_METHOD) if request else _text(400, _NO_REQUEST)
            return _last(refusal)
        response = self._find(request.target)
        if not request.wants_body:
            response = response.without_body()
        return _last(response) if request.is_last else response

    def _find(self, target: str) -> Response:
        if target in ("/", "/health"):
            return _json(name="origin", pictures=_PLACE, **asdict(self.stats))
        if target == "/stats":
            return _json(**asdict(self.stats))
        self.stats.requests += 1
        picture = _PICTURE.fullmatch(target)
        if picture is None:
            return _text(404, f"Nothing is at {target}. Pictures are at {_PLACE}.")
        size, number, query = picture.groups(default="")
        try:
            return self._picture(int(size), int(number), faults.parse(query))
        except ValueError as error:
            return _text(400, str(error))

    def _picture(self, size_bytes: int, number: int, wanted: faults.Faults) -> Response:
        whole = self._whole(size_bytes)
        response = _faulty(whole, wanted) if number % wanted.every == 0 else whole
        if not wanted.latency_s:
            return response
        return replace(response, delay_s=wanted.latency_s)

    def _whole(self, size_bytes: int) -> Response:
        if size_bytes in self._cache:
            self._cache.move_to_end(size_bytes)
            return self._cache[size_bytes]
        response = _response(200, "image/jpeg", jpeg(size_bytes))
        response = replace(response, picture_bytes=size_bytes, files=1)
        self._cache[size_bytes] = response
        self._cached_bytes += size_bytes
        while self._cached_bytes > _CACHE_BYTES:
            dropped, _ = self._cache.popitem(last=False)
            self._cached_bytes -= dropped
        return response


def _faulty(whole: Response, wanted: faults.Faults) -> Response:
    if wanted.fault == "status":
        return _text(wanted.status, f"The URL asks for status {wanted.status}.")
    if wanted.fault == "reset":
        return Response(whole.data[:0], head_bytes=0, ending=Ending.RESET)
    if wanted.fault == "cut":
        return _half(whole, Ending.CLOSE)
    if wanted.fault == "stall":
        return _half(whole, Ending.SILENCE)
    return whole


def _half(whole: Response, ending: Ending) -> Response:
    half = whole.picture_bytes // 2
    data = whole.data[: whole.head_bytes + half]
    return Response(data, whole.head_bytes, picture_bytes=half, ending=ending)


def _last(response: Response) -> Response:
    """Close the connection after this response, unless a fault does otherwise."""
    if response.ending is not Ending.NEXT:
        return response
    return replace(response, ending=Ending.CLOSE)


def _json(**values: object) -> Response:
    return _response(200, "application/json", json.dumps(values).encode())


def _text(status: int, sentence: str) -> Response:
    return _response(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())


def _response(status: int, content_type: str, body: bytes) -> Response:
    head = (
        f"HTTP/1.1 {status} {responses.get(status, 'Fault')}\r\n"
        f"Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    return Response(memoryview(head + body), head_bytes=len(head))
