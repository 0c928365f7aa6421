"""Jobs whose executions die, come twice or run out of time: no URL is left behind."""

import json

from tests.support.lambda_api import connect as client_of
from tests.support.service_jobs import (
    BUCKET,
    check_sums,
    job_service,
    keys,
    kill_when_asked,
    listed,
    submitted,
)

from fetcher.service import settings
from fetcher.service.call_context import CallContext
from fetcher.service.jobs.job_context import open_job
from fetcher.service.jobs.slice_round import work


def submitted_and_killed(jobs, origin, many):
    """Make a job, and kill what works on it once a file is asked for."""
    urls = listed(origin, many)
    held, _ = origin.together(2)
    urls[5]["url"] = held
    job = submitted(jobs, {"urls": urls})
    kill_when_asked(origin, held)
    return job


def test_an_execution_that_is_killed_is_followed_by_another(jobs, s3, origin):
    """
    The file only comes whole once it has been asked for twice.
    """
    job = submitted_and_killed(jobs, origin, 120)
    told = jobs.ended(job)

    check_sums(told)
    assert told["totalSucceeded"] == 120
    assert len(keys(s3, f"files/{job}/")) == 120
    assert f"jobs/{job}/claims/000000-00-01" in keys(s3, f"jobs/{job}/claims/")


def test_who_asks_brings_back_what_lambda_has_given_up(aws, origin):
    with job_service(aws, "given-up", bucket="given-up") as jobs:
        client_of(aws).put_function_event_invoke_config(
            FunctionName=jobs.name, MaximumRetryAttempts=0
        )
        told = jobs.ended(submitted_and_killed(jobs, origin, 100))

    check_sums(told)
    assert told["totalSucceeded"] == 100


def test_an_event_that_comes_again_changes_nothing(aws, jobs, s3, origin):
    """
    Lambda may deliver an event more than once.
    """
    job = submitted(jobs, {"urls": listed(origin, 250), "sink": {"kind": "discard"}})
    before = jobs.ended(job), sorted(keys(s3, f"jobs/{job}/"))
    asked = len(origin.requests)
    for event in [{"job": job}, *({"job": job, "slice": index} for index in (0, 2))]:
        answer = client_of(aws).invoke(
            FunctionName=jobs.name, Payload=json.dumps(event)
        )
        assert "FunctionError" not in answer

    assert (jobs.ended(job), sorted(keys(s3, f"jobs/{job}/"))) == before
    assert len(origin.requests) == asked


def test_what_there_was_no_time_for_goes_into_another_round(jobs, s3, origin):
    """
    Nothing comes of some URLs in any time; a second round finds that out.
    """
    urls = listed(origin, 10)
    for number in (3, 4):
        urls[number]["url"] = origin.url(f"/silence/{number}")
    request = {"urls": urls, "options": {"total_timeout_s": 900, "attempts": 1}}
    job = submitted(jobs, request)
    told = jobs.ended(job)
    errors = jobs.errors(job)

    check_sums(told)
    assert told["counts"] == {"ok": 8, "unstarted": 2}
    assert [error["number"] for error in errors] == [3, 4]
    assert [key[-2:] for key in keys(s3, f"jobs/{job}/results/")] == ["00", "01"]


class Context:
    """What is used of Lambda's context."""

    def __init__(self, arn):
        self.aws_request_id = "another request"
        self.invoked_function_arn = arn

    def get_remaining_time_in_millis(self):
        return 10_000


def test_a_slice_that_kills_every_execution_is_given_up(
    aws, jobs, s3, origin, monkeypatch
):
    """
    Otherwise each question about the job would kill one more.
    """
    function = client_of(aws).get_function(FunctionName=jobs.name)["Configuration"]
    place = {"AWS_ENDPOINT_URL": aws.endpoint_url, "AWS_REGION": "us-east-1"}
    for name, text in (place | aws.keys.environ() | {settings.BUCKET: BUCKET}).items():
        monkeypatch.setenv(name, text)
    # Claims are old at once.
    monkeypatch.setattr("fetcher.service.jobs.job_context._CLOCKS_S", -100.0)
    job = submitted(jobs, {"urls": listed(origin, 3), "sink": {"kind": "discard"}})
    jobs.ended(job)
    for name in ("done", "results/000000-00"):
        s3.delete_object(Bucket=BUCKET, Key=f"jobs/{job}/{name}")
    claim = b'{"request":"one that died","at":0}'
    for attempt in range(6):
        key = f"jobs/{job}/claims/000000-00-{attempt:02}"
        s3.put_object(Bucket=BUCKET, Key=key, Body=claim)
    call = CallContext.begun(Context(function["FunctionArn"]))
    with open_job(job, call) as context:
        work(context, 0)
    told = jobs.ended(job)
    errors = jobs.errors(job)

    check_sums(told)
    assert told["counts"] == {"unstarted": 3}
    assert len(errors) == 3
    assert all("6 executions have died" in error["errorMessage"] for error in errors)
