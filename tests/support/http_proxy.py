"""A proxy in a thread that passes HTTP on, for those that look at it or refuse some."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.support.waiting import WAIT_S

_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}
_OURS = {*_HOP_BY_HOP, "content-length", "date", "server"}


class HttpProxy:
    """
    Serves until the `with` block ends; a subclass decides in `handle` what to do.

    Args:
        behind: The URL of what it is in front of.

    Attributes:
        url: Where it is.
    """

    def __init__(self, behind):
        self.behind = behind

    def __enter__(self):
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # or headers and body would travel apart, and wait

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                proxy.handle(self, self.rfile.read(length))

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815

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

    def handle(self, request, body):
        """Answer a request."""
        raise NotImplementedError

    def pass_on(self, request, body, *, answers=True):
        """Pass a request on, and answer as what is behind does, or not at all."""
        upstream = http.client.HTTPConnection(
            urlsplit(self.behind).netloc, timeout=WAIT_S
        )
        headers = {
            name: text
            for name, text in request.headers.items()
            if name.lower() != "connection"
        }
        upstream.request(request.command, request.path, body, headers)
        with upstream.getresponse() as answer:
            content = answer.read()
        upstream.close()
        if not answers:
            request.close_connection = True
            return
        kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in _OURS]
        length = answer.getheader("Content-Length")
        self.reply(request, answer.status, kept, content, length)

    def reply(self, request, status, headers, content=b"", length=None):
        """Answer with that; to HEAD without the content, whose length is told."""
        is_head = request.command == "HEAD"
        request.send_response(status)
        for name, text in headers:
            request.send_header(name, text)
        if status != http.HTTPStatus.NO_CONTENT:
            known = length if is_head and length else str(len(content))
            request.send_header("Content-Length", known)
        request.end_headers()
        if not is_head:
            request.wfile.write(content)
