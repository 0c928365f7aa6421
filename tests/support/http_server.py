"""A server in a thread that answers as a subclass says."""

from __future__ import annotations

import http
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.waiting import WAIT_S


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Say nothing of clients that were stopped; show any other error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class HttpServer:
    """
    Serves until the `with` block ends; a subclass decides in `handle` what to do.

    Attributes:
        url: Where it is.
    """

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # or headers and body would travel apart, and wait

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                outer.handle(self, self.rfile.read(length))

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815

            def log_message(self, *_):
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
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
