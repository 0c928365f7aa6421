"""What the origin answers."""

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


class Ending(Enum):
    """What happens to a connection once an answer is sent."""

    NEXT = auto()
    CLOSE = auto()
    RESET = auto()
    SILENCE = auto()


@dataclass(frozen=True, slots=True)
class Response:
    """
    One answer, ready to be sent.

    Attributes:
        data: The head and the body, or what a fault leaves of them.

        head_bytes: How much of the data is the head.

        picture_bytes: How much of the data is a picture's.

        files: How many whole pictures it is: 1 or 0.

        ending: What follows.

        delay_s: Waited before anything is sent.
    """

    data: memoryview
    head_bytes: int
    picture_bytes: int = 0
    files: int = 0
    ending: Ending = Ending.NEXT
    delay_s: float = 0

    def without_body(self) -> Response:
        """Return the answer to HEAD where this is the one to GET."""
        head = self.data[: self.head_bytes]
        return replace(self, data=head, picture_bytes=0, files=0)


@dataclass(slots=True)
class Stats:
    """
    What was served since the start. Asking for it is not counted.

    Attributes:
        requests: All that came, refused ones and faults included.

        files: Whole pictures handed to the network.

        body_bytes:
            Of pictures: the whole ones and the halves that faults leave. Of one whose
            client left midway, nothing.
    """

    requests: int = 0
    files: int = 0
    body_bytes: int = 0

    def add(self, answer: Response) -> None:
        """Count an answer that was sent."""
        self.files += answer.files
        self.body_bytes += answer.picture_bytes


class Site:
    """Requests in, answers out; it keeps the latest 256 MB of pictures."""

    def __init__(self) -> None:
        self.stats = Stats()
        self._kept: OrderedDict[int, Response] = OrderedDict()
        self._kept_bytes = 0

    def answer(self, head: bytes) -> Response:
        """Return the answer to a request, given all before its empty line."""
        request = _REQUEST.match(head)
        if request is None or len(head) > REQUEST_MOST_BYTES:
            self.stats.requests += 1
            return _last(_text(400, "This is no HTTP/1 request."))
        method, target, minor = request.groups()
        if method not in _METHODS:
            self.stats.requests += 1
            return _last(_text(501, "The origin knows GET and HEAD only."))
        answer = self._find(target.decode("latin-1"))
        if method == b"HEAD":
            answer = answer.without_body()
        if minor == b"0" or b"connection: close" in head.lower():
            answer = _last(answer)
        return answer

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

    def _picture(self, size_bytes: int, number: int, asked: faults.Faults) -> Response:
        whole = self._whole(size_bytes)
        answer = _faulty(whole, asked) if number % asked.every == 0 else whole
        return replace(answer, delay_s=asked.latency_s) if asked.latency_s else answer

    def _whole(self, size_bytes: int) -> Response:
        if size_bytes in self._kept:
            self._kept.move_to_end(size_bytes)
            return self._kept[size_bytes]
        answer = _answer(200, "image/jpeg", jpeg(size_bytes))
        answer = replace(answer, picture_bytes=size_bytes, files=1)
        self._kept[size_bytes] = answer
        self._kept_bytes += size_bytes
        while self._kept_bytes > _CACHE_BYTES:
            dropped, _ = self._kept.popitem(last=False)
            self._kept_bytes -= dropped
        return answer


def _faulty(whole: Response, asked: faults.Faults) -> Response:
    if asked.fault == "status":
        return _text(asked.status, f"The URL asks for status {asked.status}.")
    if asked.fault == "reset":
        return Response(whole.data[:0], head_bytes=0, ending=Ending.RESET)
    if asked.fault == "cut":
        return _half(whole, Ending.CLOSE)
    if asked.fault == "stall":
        return _half(whole, Ending.SILENCE)
    return whole


def _half(whole: Response, ending: Ending) -> Response:
    half = whole.picture_bytes // 2
    data = whole.data[: whole.head_bytes + half]
    return Response(data, whole.head_bytes, picture_bytes=half, ending=ending)


def _last(answer: Response) -> Response:
    """Close the connection after this answer, unless a fault does otherwise."""
    if answer.ending is not Ending.NEXT:
        return answer
    return replace(answer, ending=Ending.CLOSE)


def _json(**values: object) -> Response:
    return _answer(200, "application/json", json.dumps(values).encode())


def _text(status: int, sentence: str) -> Response:
    return _answer(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())


def _answer(status: int, content_type: str, body: bytes) -> Response:
    head = (
        f"HTTP/1.1 {status} {responses.get(status, 'Fault')}\r\n"
        f"Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    return Response(memoryview(head + body), head_bytes=len(head))
