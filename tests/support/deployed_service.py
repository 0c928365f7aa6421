"""The downloader deployed as a service, and callers of its URL."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.support.signed_requests import credentials_at_hand, headers_signed

from fetcher.service import settings
from rollout.deploy.deploy import FunctionSpec, deploy, destroy
from rollout.target.target import connect

WAIT_S = 60


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
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        url = self.url + path.removeprefix("/")
        return fetched(urllib.request.Request(url, sent, named, method=method))

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
        return fetched(urllib.request.Request(url, sent, headers, method="POST"))

    def ended(self, job, within_s=WAIT_S):
        """
        Ask how far a job is until it is over; return the last answer.

        Whoever asks while executions are killed may be answered by 502.
        """
        deadline = time.monotonic() + within_s
        while True:
            answer = self.get(f"/jobs/{job}")
            if answer.status == 200 and answer.content["state"] in ("done", "failed"):
                return answer.content
            assert answer.status in (200, 502), answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.2)

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


def fetched(request):
    try:
        answer = urllib.request.urlopen(request, timeout=WAIT_S)
    except urllib.error.HTTPError as error:
        answer = error
    with contextlib.closing(answer):
        return Answer(answer.status, answer.headers, answer.read())


def as_json(content):
    return json.dumps(content).encode()
