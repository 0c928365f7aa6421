"""An origin that serves its first files, and no other until it is told to."""

import threading

from tests.support.http_server import HttpServer


class HeldOrigin(HttpServer):
    """
    Files of ``/BYTES/NUMBER.jpg``; those from number `served` on wait for `open`.

    Attributes:
        open: Set it to serve everything.

        paths: What was asked for, in order.
    """

    def __init__(self, served):
        self.served = served
        self.open = threading.Event()
        self.paths = []

    def __exit__(self, *_):
        self.open.set()
        super().__exit__()

    def handle(self, request, _body):
        self.paths.append(request.path)
        _, size, name = request.path.split("/")
        if request.command == "GET" and int(name.partition(".")[0]) >= self.served:
            self.open.wait()
        headers = [("Content-Type", "image/jpeg")]
        self.reply(request, 200, headers, b"x" * int(size), size)
