"""An origin that serves its first files, and no other until it is told to."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HeldOrigin(ThreadingHTTPServer):
    """
    Files of ``/BYTES/NUMBER.jpg``; those from number `served` on wait for `open`.

    Attributes:
        open: Set it to serve everything.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, served):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served = served
        self.open = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_):
        """Say nothing of clients that were stopped."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._head()

    def do_GET(self):
        _, size, name = self.path.split("/")
        if int(name.partition(".")[0]) >= self.server.served:
            self.server.open.wait()
        self._head()
        self.wfile.write(b"x" * int(size))

    def _head(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", self.path.split("/")[1])
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def held_origin(served):
    with HeldOrigin(served) as origin:
        thread = threading.Thread(target=origin.serve_forever, daemon=True)
        thread.start()
        yield origin
        origin.open.set()
        origin.shutdown()
        thread.join()
