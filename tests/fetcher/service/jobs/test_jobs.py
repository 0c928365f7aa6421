"""Jobs of the service, from list to last error: what is asked for, and answered."""

import gzip
import json

import pytest
from tests.support.misbehaving_origin import Origin
from tests.support.service_jobs import (
    BUCKET,
    JOB_URLS,
    TIMEOUT_S,
    check_sums,
    keys,
    listed,
    submitted,
)

from fetcher.service.jobs.slice_plan import slice_size


def test_a_job_keeps_all_files_and_lists_all_errors(jobs, s3, origin):
    urls = listed(origin, 450)
    for number in range(0, 450, 7):
        urls[number]["url"] = origin.url("/status/404")
    urls[449]["destination"] = urls[1]["destination"]
    job = submitted(jobs, {"urls": urls})
    told = jobs.ended(job)
    errors = jobs.errors(job, limit=10)

    check_sums(told)
    assert told["counts"] == {"ok": 384, "http_status": 65, "duplicate": 1}
    assert told["bodyBytes"] == 5 * 384
    assert told["slices"]["total"] == -(-450 // slice_size(450, TIMEOUT_S, lanes=2)) > 2
    assert len(keys(s3, f"files/{job}/")) == 384
    assert [error["number"] for error in errors] == [*range(0, 450, 7), 449]
    names = [urls[error["number"]]["destination"] for error in errors]
    assert [error["destination"] for error in errors] == names
    assert {error["errorMessage"] for error in errors} == {
        "expected status 200, got 404",
        "would be stored under the same name as urls[1]",
    }


def test_a_page_of_errors_is_one_that_lambda_returns(jobs):
    """
    However many are asked for, and however long their URLs are.
    """
    urls = [{"url": f"{number}".ljust(60_000, "x")} for number in range(90)]
    # As any other type it would come in base64, and so be above 6 MB.
    job = submitted(jobs, {"urls": urls}, Content_Type="application/json")
    told = jobs.ended(job)
    page = jobs.get(f"/jobs/{job}/errors?limit=1000")
    errors = jobs.errors(job)

    check_sums(told)
    assert told["counts"] == {"bad_url": 90}
    assert page.status == 200
    assert 0 < len(page.content["errors"]) < 90
    assert [error["url"] for error in errors] == [one["url"] for one in urls]


def test_there_are_never_more_executions_than_lanes(jobs):
    """
    Each has at most as many downloads in flight as it has connections.
    """
    with Origin() as own:
        request = {"urls": listed(own, 400), "sink": {"kind": "discard"}}
        job = submitted(jobs, request | {"options": {"connections": 3}})
        told = jobs.ended(job)

        check_sums(told)
        assert own.most_at_once <= 2 * 3


def test_tar_files_hold_the_files_of_a_job(jobs, s3, origin):
    request = {"urls": listed(origin, 20), "sink": {"kind": "s3-tar", "prefix": "a/b"}}
    job = submitted(jobs, request)
    told = jobs.ended(job)

    check_sums(told)
    assert told["totalSucceeded"] == 20
    assert f"files/a/b/{job}/00-00000.tar" in keys(s3, "files/a/b/")


def test_the_same_key_is_the_same_job_and_takes_no_other_request(jobs, origin):
    request = {"urls": listed(origin, 3), "sink": {"kind": "discard"}}
    first = submitted(jobs, request, Idempotency_Key="a-key")
    second = submitted(jobs, request, Idempotency_Key="a-key")
    other = submitted(jobs, request, Idempotency_Key="another-key")

    assert first == second != other
    assert jobs.ended(first)["totalSucceeded"] == 3

    more = request | {"urls": listed(origin, 4)}
    answer = jobs.post("/jobs", more, Idempotency_Key="a-key")
    assert answer.status == 409
    assert "given with another request" in answer.content["detail"]


def test_more_urls_than_a_job_may_have_are_413(jobs, origin):
    answer = jobs.post("/jobs", {"urls": listed(origin, JOB_URLS + 1)})

    assert answer.status == 413
    assert f"a job may have {JOB_URLS:,}" in answer.content["detail"]


def test_a_request_for_no_job_is_422_and_says_where(jobs):
    answer = jobs.post("/jobs", {"urls": []})

    assert answer.status == 422
    assert answer.content["detail"] == "body.urls has nothing in it."


@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
def test_a_key_that_is_none_is_422(jobs, key):
    answer = jobs.post("/jobs", {"urls": [{"url": "u"}]}, Idempotency_Key=key)

    assert answer.status == 422
    assert answer.content["detail"].startswith("Idempotency-Key is ")


@pytest.mark.parametrize("path", ["", "/errors"])
def test_a_job_that_there_is_not_is_404(jobs, path):
    answer = jobs.get(f"/jobs/{'0' * 32}{path}")

    assert answer.status == 404
    assert answer.content["detail"] == f"There is no job {'0' * 32}."


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "after=x", f"limit={'9' * 4_301}"]
)
def test_a_page_that_there_cannot_be_is_422(jobs, query):
    assert jobs.get(f"/jobs/{'0' * 32}/errors?{query}").status == 422


@pytest.mark.parametrize("ending", [".csv", ".jsonl.gz"])
def test_a_manifest_in_s3_is_a_list(jobs, s3, origin, ending):
    urls = listed(origin, 150)
    rows = "\n".join(f"{one['url']},{one['destination']}" for one in urls)
    lines = "\n".join(map(json.dumps, urls))
    body = {
        ".csv": f"url,destination\n{rows}".encode(),
        ".jsonl.gz": gzip.compress(lines.encode()),
    }[ending]
    s3.put_object(Bucket=BUCKET, Key=f"list{ending}", Body=body)
    job = submitted(jobs, {"manifest": f"s3://{BUCKET}/list{ending}"})
    told = jobs.ended(job)

    check_sums(told)
    assert told["totalSucceeded"] == told["urls"] == 150
    kept = {key.partition("/d/")[2] for key in keys(s3, f"files/{job}/")}
    assert kept == set(map(str, range(150)))


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("bad.txt", b"one\n", "1 of its 1 rows cannot be used"),
        ("bad.csv", b"a,b\n1,2\n", "no column that looks like URLs"),
        ("bad.jsonl", b'{"url": null}\n', "row 1: bad_url: names no URL"),
        ("long.txt", b"", f"may have {JOB_URLS:,}. Split it."),
        ("empty/", b"", "holds no URL"),
        ("cut.txt.gz", gzip.compress(b"http://h/a\n", mtime=0)[:-9], "is not whole"),
        ("rows.parquet", b"PAR1", "is not read on Lambda. Convert it with"),
        (None, b"", "cannot be read. S3 answered 404 NoSuchKey"),
    ],
)
def test_a_manifest_that_cannot_be_used_fails_the_job_and_says_why(
    jobs, s3, name, body, said
):
    if name == "long.txt":
        body = b"".join(b"http://h/%d\n" % number for number in range(JOB_URLS + 1))
    if name:
        s3.put_object(Bucket=BUCKET, Key=name, Body=body)
    url = f"s3://{BUCKET}/{name or 'nothing.txt'}"
    told = jobs.ended(submitted(jobs, {"manifest": url}))

    assert told["state"] == "failed"
    assert url in told["detail"]
    assert said in told["detail"]
    assert told["counts"] == {}
