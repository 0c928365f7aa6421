"""The service at a function's URL: jobs made, watched, and asked for their errors."""

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

    from rollout.target.target import Target

OVER = ("done", "failed")  # states of a job that do not change any more

_ATTEMPTS = 5
_PAUSE_S = 0.25
_LOOK_EVERY_S = 2.0
_HEALING = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_UPLOADED_TO = "lists"  # what the keys of lists in the service's bucket begin with


class Service:
    """
    The service that a function is.

    Args:
        target: Where.

        name: The function's.

    Raises:
        ServiceError: If the function has no URL.
    """

    def __init__(self, target: Target, name: str) -> None:
        found = function_url.find(target, name)
        if found is None:
            msg = (
                f"The function {name} has no URL, so it is no service. Run `rollout "
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
        Make a job.

        Args:
            request: What is to be done, as the service's openapi.json describes it.

            key: However often a request is sent with it, there is one job.

        Returns:
            How far the job is.

        Raises:
            ServiceError: If the service refuses, or does not answer.
        """
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self._call("POST", "jobs", json.dumps(request).encode(), headers)

    def status(self, job: str) -> dict[str, Any]:
        """Return how far a job is; `ServiceError` if there is no answer."""
        return self._call("GET", f"jobs/{job}")

    def progress(self, job: str) -> Iterator[dict[str, Any]]:
        """Yield how far a job is, now and then, until it is over; outlast a 429."""
        while True:
            with suppress(BusyError):
                told = self.status(job)
                yield told
                if told["state"] in OVER:
                    return
            time.sleep(_LOOK_EVERY_S)

    def errors(self, job: str) -> Iterator[dict[str, Any]]:
        """Yield the URLs of a job that did not arrive."""
        query = {"limit": "1000"}
        while True:
            page = self._call("GET", f"jobs/{job}/errors?{urlencode(query)}")
            yield from page["errors"]
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def upload(self, name: str, body: bytes) -> str:
        """
        Put a list where the service can read it.

        Args:
            name: What it is to be called.

            body: What is in it.

        Returns:
            Where it is: the job's manifest.

        Raises:
            ServiceError: If the service was deployed without a bucket, or S3 refuses.
        """
        found = lambda_function.find(self._target, self._name) or {"Configuration": {}}
        environment = found["Configuration"].get("Environment", {})
        bucket = environment.get("Variables", {}).get(BUCKET)
        if not bucket:
            msg = (
                f"The function {self._name} was deployed without a bucket, so it keeps "
                "no jobs. Deploy it with --url and --bucket."
            )
            raise ServiceError(msg)
        key = f"{_UPLOADED_TO}/{name}"
        where = f"s3://{bucket}/{key}"
        try:
            self._target.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        except (ClientError, BotoCoreError) as error:
            msg = (
                f"The list cannot be put at {where}, for which your credentials need "
                f"s3:PutObject. AWS says: {error}"
            )
            raise ServiceError(msg) from error
        return where

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
                answer = self._http.send(request.prepare())
                said = f"{answer.status_code} {_detail(answer.content)}"
                can_heal = answer.status_code in _HEALING
            except (ConnectionError, HTTPClientError) as error:
                answer, said, can_heal = None, str(error), True
            if answer and answer.status_code < HTTPStatus.BAD_REQUEST:
                told: dict[str, Any] = json.loads(answer.content)
                return told
            if not can_heal or attempt == _ATTEMPTS:
                break
            time.sleep(_PAUSE_S * 2**attempt)
        msg = f"The service of the function {self._name} answers: {said}"
        if answer and answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise BusyError(msg)
        raise ServiceError(msg)


def _detail(content: bytes) -> str:
    """
    Return what an answer says for people: the service's own, or Lambda's.

    >>> _detail(b'{"code": 404, "detail": "No job."}'), _detail(b'{"Message": "No."}')
    ('No job.', 'No.')
    """
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if isinstance(told, dict):
        for name in ("detail", "Message", "message"):
            if told.get(name):
                return str(told[name])
    return content.decode(errors="replace")
