"""IAM in front of the local endpoint: what a policy does not allow is refused."""

import json
import re
import threading
from contextlib import contextmanager
from fnmatch import fnmatchcase
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.support.permissions_needed import ACCOUNT, asked_of, permissions_for

_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
_ERRORS = {400: "InvalidParameterValueException", 404: "ResourceNotFoundException"}
_ONLY_HIDES = {"lambda:ListTags"}  # GetFunction then answers without tags


class Gate:
    """
    A server that passes on what the policy allows.

    Attributes:
        url: Where it is.

        behind: What it is in front of.

        policy: The policy in force.

        needed: Every permission that was needed so far, refused ones included.

        answers:
            By operation, status and body of an answer in place of the endpoint's, or
            a function that makes them of what is asked.

        asked: Operations answered so, each with what was asked.
    """

    def __init__(self, behind, policy):
        self.policy = policy
        self.behind = behind
        self.needed = []
        self.answers = {}
        self.asked = []
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # or headers and body would travel apart, and wait

            def do_GET(self):
                gate._handle(self, behind)

            do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def actions(self):
        """The actions that were needed."""
        return {need.action for need in self.needed}

    def without(self, action):
        """Return the policy in force without an action."""
        return {
            "Statement": [
                one | {"Action": [a for a in _list(one["Action"]) if a != action]}
                for one in self.policy["Statement"]
            ]
        }

    def _handle(self, request, behind):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        region, service = _SCOPE.search(request.headers["Authorization"]).groups()
        needs = list(permissions_for(request, body, region, service))
        self.needed += needs
        for need in needs:
            if need.action not in _ONLY_HIDES and not allows(self.policy, need):
                _refuse(request, service, need)
                return
        operation = needs[0].action.partition(":")[2] if needs else ""
        if operation not in self.answers:
            _pass_on(request, body, behind)
            return
        answer = self.answers[operation]
        asked = asked_of(service, body)
        self.asked.append((operation, asked))
        status, content = answer(asked) if callable(answer) else answer
        text = content if isinstance(content, str) else json.dumps(content)
        _answer(
            request,
            status,
            [("x-amzn-ErrorType", _ERRORS.get(status, ""))],
            text.encode(),
        )


@contextmanager
def guarding(behind, policy):
    """Run a gate in front of an endpoint."""
    gate = Gate(behind, policy)
    thread = threading.Thread(target=gate._server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield gate
    finally:
        gate._server.shutdown()
        thread.join()
        gate._server.server_close()


def allows(policy, need):
    """
    Tell whether a policy allows something.
    """
    return any(
        one.get("Effect", "Allow") == "Allow"
        and any(fnmatchcase(need.action, action) for action in _list(one["Action"]))
        and any(
            fnmatchcase(need.resource, pattern) for pattern in _list(one["Resource"])
        )
        and all(
            need.context.get(key) == value
            for key, value in one.get("Condition", {}).get("StringEquals", {}).items()
        )
        for one in policy["Statement"]
    )


def _list(one_or_more):
    return [one_or_more] if isinstance(one_or_more, str) else one_or_more


def _pass_on(request, body, behind):
    connection = HTTPConnection(urlsplit(behind).netloc, timeout=60)
    try:
        connection.request(request.command, request.path, body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    kept = {"content-length", "connection", "transfer-encoding"}
    headers = [(n, v) for n, v in answer.getheaders() if n.lower() not in kept]
    _answer(request, answer.status, headers, content)


def _refuse(request, service, need):
    text = (
        f"User: arn:aws:iam::{ACCOUNT}:user/tester is not authorized to perform: "
        f"{need.action} on resource: {need.resource}"
    )
    if service in ("iam", "s3"):
        error = f"<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>"
        whole = error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        content = whole.encode() if request.command != "HEAD" else b""
        headers = [("Content-Type", "text/xml")]
    else:
        code = "AccessDeniedException"
        content = json.dumps(
            {"__type": code, "message": text, "Message": text}
        ).encode()
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
    _answer(request, 403, headers, content)


def _answer(request, status, headers, content):
    request.send_response(status)
    for name, value in headers:
        request.send_header(name, value)
    if status != 204:
        request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
