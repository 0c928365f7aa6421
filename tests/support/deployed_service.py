"""The downloader deployed as a service, and callers of its URL."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from tests.support.signed_requests import credentials_at_hand, headers_signed
from tests.support.urllib_http import fetch
from tests.support.waiting import WAIT_S, eventually

from fetcher.service import settings
from rollout.deploy.deployment import FunctionSpec, deploy, destroy
from rollout.target.connection import connect

OVER = ("done", "failed")


@dataclass(frozen=True)
class Answer:
    """What came back from a URL."""

    status: int
    headers: Any
    body: bytes

    @property
    def content(self):
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A deployed one."""

    url: str
    name: str

    def call(self, method, path, body=None, **headers):
        """Make a request; a body that is not bytes is sent as JSON."""
        sent = body if body is None or isinstance(body, bytes) else as_json(body)
        url = self.url + path.removeprefix("/")
        return Answer(*fetch(url, sent, method, **headers))

    def post(self, path, body, **headers):
        return self.call("POST", path, body, **headers)

    def get(self, path):
        return self.call("GET", path)

    def signed(self, path, body):
        """Make a POST that carries a signature."""
        url, sent = self.url + path.removeprefix("/"), as_json(body)
        headers = headers_signed(
            credentials_at_hand(), "POST", url, sent, Content_Type="application/json"
        )
        return Answer(*fetch(url, sent, "POST", **headers))

    def ended(self, job, within_s=WAIT_S):
        """
        Ask for a job's state until it is over; return the last answer.

        While executions are killed the answer may be 502.
        """

        def last_answer():
            answer = self.get(f"/jobs/{job}")
            assert answer.status in (200, 502), answer
            is_over = answer.status == 200 and answer.content["state"] in OVER
            return answer.content if is_over else None

        return eventually(last_answer, within_s=within_s, every_s=0.2)

    def errors(self, job, limit=1000):
        """Return the errors of a job from all pages."""
        found, after = [], ""
        while after is not None:
            query = f"limit={limit}" + (f"&after={after}" if after else "")
            page = self.get(f"/jobs/{job}/errors?{query}").content
            assert len(page["errors"]) <= limit
            found += page["errors"]
            after = page["next"]
        return found


@contextlib.contextmanager
def service(endpoint_url, name, *, keys=None, url="NONE", bucket="", **more):
    """Deploy the service; take it away again at the end."""
    target = connect("local", endpoint_url, keys=keys)
    environment = dict(more.pop("environment", {}))
    if bucket:
        target.client("s3").create_bucket(Bucket=bucket)
        environment[settings.BUCKET] = bucket
    wanted = FunctionSpec(
        name=name,
        handler="fetcher.service.api.handle",
        url=url,
        bucket=bucket,
        environment=environment,
        **more,
    )
    try:
        yield Service(deploy(target, wanted).url, name)
    finally:
        destroy(target, name)


def as_json(content):
    return json.dumps(content).encode()
