"""The Runtime API for one environment: events are given out, answers come back."""

import json
import queue
import time
import uuid

from tests.support.http_server import HttpServer

_TIMEOUT_S = 300
_LOOK_EVERY_S = 0.5
_ARN = "arn:aws:lambda:us-east-1:123456789012:function:aws-like"


class RuntimeApi(HttpServer):
    """Serves AWS's runtime client until the `with` block ends."""

    def __init__(self):
        self._events, self._answers = queue.Queue(), queue.Queue()

    @property
    def address(self):
        """As in ``127.0.0.1:41234``, for AWS_LAMBDA_RUNTIME_API."""
        return self.url.removeprefix("http://")

    def handle(self, request, body):
        headers = [("Content-Type", "application/json")]
        if request.command == "POST":
            what = request.path.rpartition("/")[2]
            self._answers.put((what, json.loads(body or b"null")))
            self.reply(request, 202, headers, b'{"status": "OK"}')
            return
        event = json.dumps(self._events.get()).encode()
        ends_ms = int((time.time() + _TIMEOUT_S) * 1_000)
        headers += [
            ("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4())),
            ("Lambda-Runtime-Deadline-Ms", str(ends_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", _ARN),
        ]
        self.reply(request, 200, headers, event)

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
