"""A proxy in a thread that passes HTTP on, for those that look at it or refuse some."""

from __future__ import annotations

import http.client
import json
import re
from urllib.parse import unquote, urlsplit

from tests.support.http_server import HttpServer
from tests.support.waiting import WAIT_S

_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}
_OURS = {*_HOP_BY_HOP, "content-length", "date", "server"}
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")


class HttpProxy(HttpServer):
    """
    A server that can pass requests on.

    Args:
        behind: The URL of what it is in front of.
    """

    def __init__(self, behind):
        self.behind = behind

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

    def refuse(self, request, service, status, code, message):
        """Answer with an error, in the form of that service of AWS."""
        if service in ("iam", "sts", "s3"):
            body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            if service != "s3":
                body = f"<ErrorResponse>{body}</ErrorResponse>"
            headers = [("Content-Type", "text/xml")]
        else:
            body = json.dumps({"__type": code, "message": message, "Message": message})
            headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
        self.reply(request, status, headers, body.encode())


def scope_of(request):
    """Return the region and the service that a request, or its URL, is signed for."""
    signed = request.headers.get("Authorization") or unquote(request.path)
    return _SCOPE.search(signed).groups()
