"""A proxy before S3 that fails as it is told, and remembers what it was asked."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

WAIT_S = 20
SLOW_DOWN = (503, "SlowDown")
INTERNAL = (500, "InternalError")
DENIED = (403, "AccessDenied")
ERROR_IN_200 = (200, "InternalError")
LOSE_ANSWER = "the request is passed on, its answer is not"
HANG_UP = "the connection is closed"
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


class Asked(NamedTuple):
    """One request: its query without what signs it, its headers in small letters."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    signature: str

    @property
    def what(self):
        """Return what it is about, in S3's words."""
        if self.method == "POST":
            kind = "CompleteMultipartUpload"
            return kind if "uploadId" in self.query else "CreateMultipartUpload"
        if self.method == "PUT":
            return "UploadPart" if "partNumber" in self.query else "PutObject"
        if self.method == "DELETE":
            return (
                "AbortMultipartUpload" if "uploadId" in self.query else "DeleteObject"
            )
        return f"{self.method.capitalize()}Object"


class S3Proxy:
    """
    Passes requests on to S3, unless `fault` has another idea.

    Args:
        upstream: Where S3 is.

        fault: Given an `Asked`; returns a status and a code, perhaps with the bucket's
            region, or one of the texts above, or nothing. It may wait, too.
    """

    def __init__(self, upstream, fault=lambda _: None):
        self.asked: list[Asked] = []
        self.fault = fault
        self._upstream = urlsplit(upstream).netloc
        # S3 decides on one object at a time; moto looks, and writes a little later.
        self._finishing = threading.Lock()

    def __enter__(self):
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                proxy.answer(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(WAIT_S)

    def seen(self, what):
        """Return the requests of a kind."""
        return [asked for asked in self.asked if asked.what == what]

    def answer(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        signature = query.get("X-Amz-Signature", "")
        asked = Asked(
            request.command,
            parts.path,
            {name: text for name, text in query.items() if "X-Amz-" not in name},
            {name.lower(): text for name, text in request.headers.items()},
            request.rfile.read(length),
            signature,
        )
        self.asked.append(asked)
        fault = self.fault(asked)
        if isinstance(fault, tuple):
            self._refuse(request, *fault)
        elif fault == HANG_UP:
            request.close_connection = True
        elif asked.what in ("CompleteMultipartUpload", "PutObject"):
            with self._finishing:
                self._pass_on(request, asked, answers=fault != LOSE_ANSWER)
        else:
            self._pass_on(request, asked, answers=fault != LOSE_ANSWER)

    def _refuse(self, request, status, code, region=""):
        body = f"<Error><Code>{code}</Code><Message>because</Message></Error>".encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        if region:
            request.send_header("x-amz-bucket-region", region)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    def _pass_on(self, request, asked, *, answers):
        upstream = http.client.HTTPConnection(self._upstream, timeout=WAIT_S)
        headers = {
            name: text for name, text in asked.headers.items() if name != "connection"
        }
        upstream.request(request.command, request.path, asked.body, headers)
        with upstream.getresponse() as answer:
            body = answer.read()
        upstream.close()
        if not answers:
            request.close_connection = True
            return
        request.send_response(answer.status)
        for name, text in answer.getheaders():
            if name.lower() not in {*_HOP_BY_HOP, "content-length", "date", "server"}:
                request.send_header(name, text)
        length = answer.getheader("Content-Length") if asked.method == "HEAD" else None
        request.send_header("Content-Length", length or str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def once(what, fault):
    """Return what fails the first request of a kind."""
    left = [fault]
    return lambda asked: left.pop() if asked.what == what and left else None


def always(what, fault):
    """Return what fails every request of a kind."""
    return lambda asked: fault if asked.what == what else None
