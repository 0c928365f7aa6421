"""A client of the service at a function's URL: makes jobs and watches them."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 botocore's: it covers connecting only
    HTTPClientError,
)
from botocore.httpsession import URLLib3Session

from fetcher.service.settings import BUCKET
from rollout.deploy import function_url, lambda_function
from rollout.errors import BusyError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rollout.target.connection import Target

OVER = ("done", "failed")  # final states of a job

_ATTEMPTS = 5
_PAUSE_S = 0.25
_LOOK_EVERY_S = 2.0
_TRANSIENT = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_UPLOADED_TO = "lists"  # folder in the service's bucket


class ServiceClient:
    """
    A client of a function that is a service.

    Raises:
        ServiceError: If the function has no URL.
    """

    def __init__(self, target: Target, name: str) -> None:
        found = function_url.find(target, name)
        if found is None:
            msg = (
                f"The function {name} has no URL, so it is not a service. Run `rollout "
                f"deploy --name {name} --url --bucket BUCKET` first."
            )
            raise ServiceError(msg)
        self._target = target
        self._name = name
        self._url = found["FunctionUrl"]
        self._http = URLLib3Session(
            verify=target.ca_file or True,
            proxies={} if target.proxy is None else {"https": target.proxy},
        )

    def submit(self, request: Mapping[str, Any], key: str = "") -> dict[str, Any]:
        """
        Make a job, as the service's openapi.json describes it; return its progress.

        Requests with the same key make one job; an empty one stands for a new key.

        Raises:
            ServiceError: If the service refuses, or does not answer.
        """
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self._call("POST", "jobs", json.dumps(request).encode(), headers)

    def status(self, job: str) -> dict[str, Any]:
        """Return a job's progress; raise `ServiceError` if there is no answer."""
        return self._call("GET", f"jobs/{job}")

    def progress(self, job: str) -> Iterator[dict[str, Any]]:
        """Yield a job's progress until it is over; keep polling through throttles."""
        while True:
            with suppress(BusyError):
                progress = self.status(job)
                yield progress
                if progress["state"] in OVER:
                    return
            time.sleep(_LOOK_EVERY_S)

    def errors(self, job: str) -> Iterator[dict[str, Any]]:
        """Yield the URLs of a job that failed."""
        query = {"limit": "1000"}
        while True:
            page = self._call("GET", f"jobs/{job}/errors?{urlencode(query)}")
            yield from page["errors"]
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def upload(self, name: str, body: bytes) -> str:
        """
        Put a list where the service can read it; return its URL in S3.

        Raises:
            ServiceError: If the service was deployed without a bucket, or S3 refuses.
        """
        found = lambda_function.find(self._target, self._name) or {"Configuration": {}}
        environment = found["Configuration"].get("Environment", {})
        bucket = environment.get("Variables", {}).get(BUCKET)
        if not bucket:
            msg = (
                f"The function {self._name} was deployed without a bucket, so it takes "
                "no jobs. Deploy it with --url and --bucket."
            )
            raise ServiceError(msg)
        key = f"{_UPLOADED_TO}/{name}"
        url = f"s3://{bucket}/{key}"
        try:
            self._target.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        except (ClientError, BotoCoreError) as error:
            msg = (
                f"The list cannot be put at {url}, for which your credentials need "
                f"s3:PutObject. AWS says: {error}"
            )
            raise ServiceError(msg) from error
        return url

    def _call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        for attempt in range(1, _ATTEMPTS + 1):
            request = AWSRequest(method, self._url + path, dict(headers or {}), body)
            if body:
                request.headers["Content-Type"] = "application/json"
            credentials = self._target.credentials()
            SigV4Auth(credentials, "lambda", self._target.region).add_auth(request)
            try:
                response = self._http.send(request.prepare())
                reason = f"{response.status_code} {_detail(response.content)}"
                is_transient = response.status_code in _TRANSIENT
            except (ConnectionError, HTTPClientError) as error:
                response, reason, is_transient = None, str(error), True
            if response and response.status_code < HTTPStatus.BAD_REQUEST:
                fields: dict[str, Any] = json.loads(response.content)
                return fields
            if not is_transient or attempt == _ATTEMPTS:
                break
            time.sleep(_PAUSE_S * 2**attempt)
        msg = f"The service of the function {self._name} answers: {reason}"
        if response and response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise BusyError(msg)
        raise ServiceError(msg)


def _detail(content: bytes) -> str:
    """
    Return the message in a response of the service, or of Lambda.

    >>> _detail(b'{"code": 404, "detail": "No job."}'), _detail(b'{"Message": "No."}')
    ('No job.', 'No.')
    """
    try:
        fields = json.loads(content)
    except ValueError:
        fields = None
    if isinstance(fields, dict):
        for name in ("detail", "Message", "message"):
            if fields.get(name):
                return str(fields[name])
    return content.decode(errors="replace")
