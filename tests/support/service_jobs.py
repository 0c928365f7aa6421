"""A service that keeps jobs, and jobs for it."""

from __future__ import annotations

import os

from tests.support.child_processes import environments_of
from tests.support.deployed_service import service
from tests.support.waiting import eventually

from fetcher.service import settings

BUCKET = "the-jobs"
TIMEOUT_S = 4
JOB_URLS = 2_000
ENVIRONMENT = {
    settings.ALLOW_PRIVATE: "true",
    settings.JOB_URLS: str(JOB_URLS),
    settings.JOB_EXECUTIONS: "2",
}


def job_service(aws, name="jobs", bucket=BUCKET):
    """Deploy a service with little time; take it away again at the end."""
    return service(
        aws.endpoint_url,
        name,
        keys=aws.keys,
        bucket=bucket,
        timeout_s=TIMEOUT_S,
        environment=ENVIRONMENT,
    )


def listed(origin, many):
    """Return items whose destinations are their numbers."""
    return [
        {"url": origin.url(f"/bytes/5/{number}"), "destination": f"d/{number}"}
        for number in range(many)
    ]


def keys(s3, prefix):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [one["Key"] for page in pages for one in page.get("Contents", ())]


def submitted(jobs, request, **headers):
    answer = jobs.post("/jobs", request, **headers)
    assert answer.status == 202, answer
    assert answer.headers["Location"] == f"/jobs/{answer.content['id']}"
    return answer.content["id"]


def check_sums(told):
    """Every URL has ended, in one way."""
    assert told["state"] == "done"
    assert told["remaining"] == 0
    assert sum(told["counts"].values()) == told["urls"]
    assert told["totalSucceeded"] + told["totalErrors"] == told["urls"]
    assert told["slices"]["done"] == told["slices"]["total"]


def kill_when_asked(origin, url):
    """Kill the execution environments of this process's endpoints once a URL is on."""
    path = "/" + url.split("/", 3)[3]
    eventually(lambda: origin.seen(path))
    for process in environments_of(os.getpid()):
        process.kill()
