"""
Events for the function itself: work that an execution leaves to others.

Lambda responds at once, runs each as soon as it can, and again if the execution fails.
It stops functions that call each other in a loop if the calls carry its tracing header;
these do not, since a job's chain of executions is as long as its list. https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from time import monotonic, sleep
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlsplit

import pycurl

from fetcher.backoff import full_jitter
from fetcher.engines.curl_handle import trust_system_certificates
from fetcher.s3.credentials import S3Credentials
from fetcher.security.signing import Signer

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECT_S = 5
_BACKOFF_FIRST_S = 0.1
_BACKOFF_LONGEST_S = 5.0
_KIND = {"x-amz-invocation-type": "Event"}
_SHOWN = 300  # bytes of what Lambda says


class EventError(OSError):
    """An event that Lambda did not accept."""


class Events:
    """
    Sender of events to Lambda. A context.

    Args:
        until: When to give up, on the monotonic clock.
    """

    def __init__(self, function: str, until: float) -> None:
        self._credentials = S3Credentials.from_environment()
        get = os.environ.get
        address = (
            get("AWS_ENDPOINT_URL_LAMBDA")
            or get("AWS_ENDPOINT_URL")
            or _address_in(self._credentials.region)
        ).rstrip("/")
        self._host = urlsplit(address).netloc
        self._signer = Signer("lambda", self._credentials.region)
        self._path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
        self._until = until
        self._curl = curl = pycurl.Curl()
        curl.setopt(pycurl.URL, address + self._path)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.CONNECTTIMEOUT, _CONNECT_S)
        if address.startswith("https"):
            trust_system_certificates(curl)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._curl.close()

    def send(self, event: Mapping[str, object]) -> None:
        """
        Have the function invoked with an event; twice if a response is lost.

        Raises:
            EventError: If Lambda refuses, or was not reached in time.
        """
        payload = json.dumps(event).encode()
        tries = 0
        while (message := self._try(payload)) is not None:
            tries += 1
            wait_s = full_jitter(tries, _BACKOFF_FIRST_S, _BACKOFF_LONGEST_S)
            if monotonic() + wait_s >= self._until:
                msg = f"Lambda did not take an event in time. At last: {message}"
                raise EventError(msg)
            sleep(wait_s)

    def _try(self, payload: bytes) -> str | None:
        """Return why trying again may help; None: it is done."""
        headers = self._signer.headers(
            self._credentials, self._host, self._path, payload, _KIND
        )
        body: list[bytes] = []
        self._curl.setopt(pycurl.POSTFIELDS, payload)
        lines = [f"{name}: {text}" for name, text in headers.items()]
        self._curl.setopt(pycurl.HTTPHEADER, [*lines, "Content-Type:", "Expect:"])
        self._curl.setopt(pycurl.WRITEFUNCTION, body.append)
        left_ms = int((self._until - monotonic()) * 1_000)
        self._curl.setopt(pycurl.TIMEOUT_MS, max(1, left_ms))
        try:
            self._curl.perform()
        except pycurl.error as error:
            return str(error)
        status = self._curl.getinfo(pycurl.RESPONSE_CODE)
        if status == HTTPStatus.ACCEPTED:
            return None
        message = f"{status} {b''.join(body)[:_SHOWN].decode(errors='replace')}"
        if status != HTTPStatus.TOO_MANY_REQUESTS and status < 500:  # noqa: PLR2004
            msg = (
                f"Lambda refused an event: {message} The function's role must allow "
                "lambda:InvokeFunction on the function itself."
            )
            raise EventError(msg)
        return message


def _address_in(region: str) -> str:
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://lambda.{region}.{domain}"
