"""The service as it is deployed: what it answers, refuses and says of itself."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from tests.support.deployed_service import as_json, service

from fetcher.contract.options import Options
from fetcher.contract.outcome import Outcome
from fetcher.service import schema_validation, settings
from fetcher.service.function_url_events import MOST_ANSWER
from fetcher.service.jobs.slice_plan import most_urls


@pytest.fixture(scope="module")
def strict(endpoint):
    """A service as it is unless somebody says otherwise, and with little time."""
    with service(endpoint.endpoint_url, "strict", timeout_s=30) as one:
        yield one


def test_no_urls_are_downloaded_at_once(strict):
    answer = strict.post("/download", [])

    assert answer.status == 200
    assert answer.content == {"totalSucceeded": 0, "totalErrors": 0, "errors": []}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1,", b"\xff", b"[NaN]", b"[" * 100_000, b"1" * 5_000]
)
def test_a_body_that_is_not_json_is_400(strict, body):
    answer = strict.post("/download", body)

    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.content["code"] == 400
    assert answer.content["detail"].startswith("The body is not JSON: ")


def test_json_that_is_no_list_of_urls_is_422_and_says_where(strict):
    answer = strict.post("/download", [{"url": "u"}, {}])

    assert answer.status == 422
    assert answer.content == {"code": 422, "detail": "body[1] has no url."}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/download", "POST"),
        ("PUT", "/download", "POST"),
        ("GET", "/jobs", "POST"),
        ("DELETE", f"/jobs/{'0' * 32}", "GET"),
        ("HEAD", "/openapi.json", "GET"),
    ],
)
def test_another_method_is_405_and_says_which_is_right(strict, method, path, allowed):
    answer = strict.call(method, path)

    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "path", ["/", "/downloads", "/download/", "/jobs/0", f"/jobs/{'0' * 32}/error"]
)
def test_another_path_is_404(strict, path):
    answer = strict.get(path)

    assert answer.status == 404
    assert "openapi.json" in answer.content["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/jobs/{'0' * 32}", None),
        ("POST", "/jobs", {"urls": [{"url": "http://h/a"}]}),
    ],
)
def test_without_a_bucket_jobs_are_404(strict, method, path, body):
    answer = strict.call(method, path, body)

    assert answer.status == 404
    assert "deployed without a bucket" in answer.content["detail"]


MANY = [{"url": f"http://127.0.0.1/{number}"} for number in range(10_000)]
LONG = [{"url": f"http://h/{number}/".ljust(6_830, "a")} for number in range(900)]


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (MANY, f"10,000 URLs.* has the time for {most_urls(30):,}. POST them to /jobs"),
        (LONG, "to say so would take"),  # that all of them failed
    ],
)
def test_what_is_too_much_for_one_request_is_413(strict, listed, said):
    answer = strict.post("/download", listed, Content_Type="application/json")

    assert answer.status == 413
    assert re.search(said, answer.content["detail"])


def test_a_body_above_6_mb_is_413_by_lambda_itself(strict):
    body = as_json([{"url": f"http://h/{'a' * 6 * 2**20}"}])
    answer = strict.post("/download", body, Content_Type="application/json")

    assert answer.status == 413
    assert "6291456 bytes" in answer.content["Message"]


def test_as_many_errors_as_fit_are_answered_whole(strict):
    """
    Lambda would turn an answer that is too large into a 502 for the whole request.
    """
    many = most_urls(30)
    size = MOST_ANSWER // many - 240
    names = (f"{number}".zfill(size) for number in range(many))
    listed = [
        one | {"destination": name} for one, name in zip(MANY, names, strict=False)
    ]
    answer = strict.post("/download", listed, Content_Type="application/json")

    assert answer.status == 200
    assert answer.content["totalErrors"] == many
    assert {error["outcome"] for error in answer.content["errors"]} == {"blocked"}
    assert len(answer.body) > 5_000_000


def test_a_url_for_signed_requests_lets_nobody_else_in(endpoint):
    with service(endpoint.endpoint_url, "signed", url="AWS_IAM") as one:
        stranger = one.post("/download", [])
        ours = one.signed("/download", [])

    assert stranger.status == 403
    assert ours.content == {"totalSucceeded": 0, "totalErrors": 0, "errors": []}


def test_a_bucket_that_is_not_there_is_503(endpoint, target):
    with service(endpoint.endpoint_url, "lost", bucket="lost-bucket") as one:
        target.client("s3").delete_bucket(Bucket="lost-bucket")
        answer = one.post("/jobs", {"urls": [{"url": "http://h/a"}]})

    assert answer.status == 503
    assert "The specified bucket does not exist" in answer.content["detail"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (settings.ALLOW_PRIVATE, "yes"),
        (settings.JOB_URLS, "0"),
        (settings.JOB_EXECUTIONS, "1e3"),
    ],
)
def test_a_setting_that_cannot_be_understood_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name} is '{value}'; it must be"):
        settings.Settings.from_environment({name: value})


def test_the_description_is_served_and_names_all_outcomes_and_options(strict):
    answer = strict.get("/openapi.json")
    schemas = answer.content["components"]["schemas"]
    described = schemas["JobRequest"]["properties"]["options"]["properties"]
    decided = {"engine", "allow_private", "allow_s3"}  # by who deploys, not who calls

    assert answer.content == schema_validation.document()
    assert schemas["Outcome"]["enum"] == list(Outcome)
    assert described.keys() == {item.name for item in fields(Options)} - decided


@pytest.mark.parametrize(
    ("phases", "examples"),
    [
        ("examples,coverage", 1),
        pytest.param("fuzzing,stateful", 100, marks=pytest.mark.soak),
    ],
)
def test_schemathesis_finds_nothing(endpoint, tmp_path, phases, examples):
    """
    It sends what openapi.json allows, and much that it does not.
    """
    how = {"timeout_s": 10, "environment": {settings.JOB_EXECUTIONS: "2"}}
    with service(
        endpoint.endpoint_url, "described", bucket="described-jobs", **how
    ) as one:
        command = [Path(sys.executable).with_name("st"), "run"]
        command += [f"{one.url}openapi.json", "--no-color", "--checks", "all"]
        command += ["--phases", phases, "--seed", "1", "--max-examples", str(examples)]
        run = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout
