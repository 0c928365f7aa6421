"""The Runtime API for one environment: events are given out, answers come back."""

import json
import queue
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_TIMEOUT_S = 300
_LOOK_EVERY_S = 0.5


class RuntimeApi:
    """
    Serves AWS's runtime client until the `with` block ends.

    Attributes:
        address: As in ``127.0.0.1:41234``, for AWS_LAMBDA_RUNTIME_API.
    """

    def __enter__(self):
        self._events, self._answers = queue.Queue(), queue.Queue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                event = api._events.get()
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                    "Lambda-Runtime-Deadline-Ms": str(
                        int((time.time() + _TIMEOUT_S) * 1_000)
                    ),
                    "Lambda-Runtime-Invoked-Function-Arn": (
                        "arn:aws:lambda:us-east-1:123456789012:function:aws-like"
                    ),
                }
                self._reply(200, json.dumps(event).encode(), headers)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                what = self.path.rpartition("/")[2]
                api._answers.put((what, json.loads(body or b"null")))
                self._reply(202, b'{"status": "OK"}', {})

            def _reply(self, status, body, headers):
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.handle_error = lambda *_: None  # its client is killed at last
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event, process, within_s):
        """
        Return a function's answer to an event.

        Args:
            event: The event.

            process: The environment's, which may end.

            within_s: How long to wait.

        Raises:
            RuntimeError: If it failed, with its words, or there is no answer.
        """
        self._events.put(event)
        until = time.monotonic() + within_s
        while True:
            try:
                what, answer = self._answers.get(timeout=_LOOK_EVERY_S)
                break
            except queue.Empty:
                if process.poll() is not None or time.monotonic() > until:
                    msg = f"no answer within {within_s} s, or its process has ended"
                    raise RuntimeError(msg) from None
        if what != "response":
            raise RuntimeError(str(answer))
        return answer
