"""`rollout jobs`: a list in, a job's progress and errors out."""

import gzip
import json
from argparse import Namespace
from types import SimpleNamespace

import pandas as pd
import pytest
from tests.support.deployed_service import service

from fetcher.service import settings
from rollout.__main__ import main
from rollout.cli import jobs as jobs_command
from rollout.deploy import lambda_function
from rollout.errors import PreflightError, ServiceError
from rollout.invoke import service_client as jobs
from rollout.invoke.job_price import price_of

BUCKET = "commanded-jobs"


@pytest.fixture(scope="module")
def commanded(endpoint):
    """A service for signed requests only."""
    with service(
        endpoint.endpoint_url,
        "commanded",
        url="AWS_IAM",
        bucket=BUCKET,
        timeout_s=10,
        environment={settings.ALLOW_PRIVATE: "true"},
    ) as one:
        yield one


@pytest.fixture
def rollout(endpoint, commanded, capsys, monkeypatch):
    """Run `rollout jobs`; return its exit status and what it printed."""
    monkeypatch.setattr(jobs, "_LOOK_EVERY_S", 0.05)

    def run(verb, *words):
        where = ("--endpoint-url", endpoint.endpoint_url, "--name", commanded.name)
        status = main(["jobs", verb, *where, *map(str, words)])
        return status, *capsys.readouterr()

    return run


def pairs(origin, many):
    return [(origin.url(f"/bytes/5/{number}"), f"d/{number}") for number in range(many)]


def written(path, rows):
    """Write rows in the format that the path's ending names."""
    match path.suffix:
        case ".parquet":
            pd.DataFrame(rows, columns=["URL", "NAME"]).to_parquet(path)
        case ".csv":
            pd.DataFrame(rows, columns=["url", "destination"]).to_csv(path, index=False)
        case ".txt":
            path.write_text("".join(f"{url}\t{name}\n" for url, name in rows))
    return path


@pytest.mark.parametrize(
    ("ending", "is_long"), [(".txt", False), (".csv", True), (".parquet", False)]
)
def test_a_file_is_a_job(
    rollout, target, origin, tmp_path, monkeypatch, ending, is_long
):
    """Whatever its format; it is sent, or put into the bucket if it is too long."""
    if is_long:
        monkeypatch.setattr(jobs_command, "_SENT_BYTES", 0)
    path = written(tmp_path / f"list{ending}", pairs(origin, 12))
    named = ("--url-column", "URL", "--destination-column", "NAME")
    columns = named if ending == ".parquet" else ()
    status, out, _ = rollout("submit", path, *columns)
    job = json.loads(out)["id"]
    waited, out, err = rollout("status", job, "--wait")
    job_fields = json.loads(out)
    kept = target.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"files/{job}/")

    assert (status, waited) == (0, 0)
    assert job_fields["state"] == "done"
    assert job_fields["counts"] == {"ok": 12}
    assert err.splitlines()[-1] == "done: 12 of 12 URLs, 0 errors, 0 at work"
    assert {one["Key"].partition("/d/")[2] for one in kept["Contents"]} == {
        str(number) for number in range(12)
    }


def test_a_list_that_a_request_makes_too_long_is_put_into_the_bucket(
    rollout, tmp_path, monkeypatch
):
    """Lambda takes 6 MB, and in JSON inside of JSON some letters are seven bytes."""
    rows = [(f"http://127.0.0.1:1/{n}/{'ü' * 1_200}", f"{n}") for n in range(10)]
    path = written(tmp_path / "list.csv", rows)
    monkeypatch.setattr(jobs_command, "_SENT_BYTES", 30_000)
    status, out, err = rollout("submit", path, "--sink", "discard")

    assert path.stat().st_size < 30_000
    assert status == 0
    head, *lines = err.splitlines()
    assert head.startswith("dollars: none, it is local; on AWS some $0.0000")
    assert any(line.endswith(" 2 requests") for line in lines)  # one plans, one works
    assert json.loads(out)["state"] == "planning"


@pytest.mark.parametrize(
    ("sink", "is_sent"), [("s3-objects", True), ("discard", True), ("s3-tar", False)]
)
def test_columns_of_a_short_list_go_along_where_there_is_use_for_them(
    tmp_path, monkeypatch, sink, is_sent
):
    path, sent = tmp_path / "list.csv", []
    path.write_text("url,caption\nhttp://h/1,a cat\n")
    monkeypatch.setattr(jobs_command, "_check_price", lambda *_: None)
    columns = {"url_column": "", "name_column": "", "sha256_column": ""}
    arguments = Namespace(list=str(path), sink=sink, **columns)
    service = SimpleNamespace(upload=lambda _, body: sent.append(body) or "s3://b/k")
    fields = jobs_command._urls(arguments, None, service)

    if is_sent:
        assert fields == {"urls": [{"url": "http://h/1"}]}
    else:
        assert fields == {"manifest": "s3://b/k"}
        assert json.loads(gzip.decompress(sent[0]))["caption"] == "a cat"


def test_a_key_is_one_job_whose_errors_are_json_and_in_the_exit_status(
    rollout, origin, tmp_path
):
    rows = [*pairs(origin, 3), (origin.url("/status/404"), "lost")]
    path = written(tmp_path / "list.csv", rows)
    options = ("--option", "attempts=1", "--option", "contact=me@here")
    submit = ("submit", path, "--sink", "discard", *options, "--key", "k")
    job, same_job = (json.loads(rollout(*submit)[1])["id"] for _ in range(2))
    waited, _, _ = rollout("status", job, "--wait")
    status, out, _ = rollout("errors", job)

    assert job == same_job  # for the key is the same
    assert (waited, status) == (1, 0)
    assert json.loads(out) == {
        "number": 3,
        "url": origin.url("/status/404"),
        "destination": "lost",
        "outcome": "http_status",
        "status": 404,
        "errorMessage": "expected status 200, got 404",
    }


def test_an_object_in_s3_is_read_by_the_service(rollout, target, origin):
    text = "".join(f"{url}\n" for url, _ in pairs(origin, 4))
    target.client("s3").put_object(Bucket=BUCKET, Key="l.txt", Body=text.encode())
    sink = ("--sink", "s3-tar", "--prefix", "tars")
    _, out, _ = rollout("submit", f"s3://{BUCKET}/l.txt", *sink)
    job = json.loads(out)["id"]
    waited, _, _ = rollout("status", job, "--wait")
    listed = target.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="files/tars/")

    assert waited == 0
    keys = [one["Key"] for one in listed["Contents"]]
    assert f"files/tars/{job}/00-00000.tar" in keys


def test_a_job_whose_list_cannot_be_used_exits_1(rollout):
    _, out, _ = rollout("submit", f"s3://{BUCKET}/nothing.txt")
    status, out, _ = rollout("status", json.loads(out)["id"], "--wait")

    assert status == 1
    assert "nothing.txt cannot be read" in json.loads(out)["detail"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("submit", "list.txt"), "list.txt holds no URL"),
        (("submit", "nothing.txt"), "No such file"),
        (("status", "0" * 32), f"There is no job {'0' * 32}."),
        (("submit", "s3://b/a"), "body.manifest is"),
        (("submit", "s3://bucket/a", "--option", "speed=1"), 'has "speed"'),
        (("submit", "s3://bucket/a", "--option", "speed"), "'speed' is not NAME=VALUE"),
        (
            ("status", "0" * 32, "--name", "nobody"),
            "not a service. Run `rollout deploy --name nobody --url --bucket BUCKET`",
        ),
    ],
)
def test_what_is_refused_is_said_on_one_line(
    rollout, tmp_path, monkeypatch, words, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("")
    status, out, err = rollout(*words)

    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_job_that_may_cost_too_much_is_not_submitted(commanded, target):
    """A million files of any size, at the rate that the service plans with."""
    priced = price_of(target, commanded.name, 1_000_000, "s3-objects")
    by_item = {item.what.partition(",")[0]: item for item in priced.items}

    found = target.client("lambda").get_function(FunctionName=commanded.name)
    memory_gb = found["Configuration"]["MemorySize"] / 1_024
    seconds = by_item["GB-seconds of memory"].amount / memory_gb
    assert seconds == pytest.approx(1_000_000 / 34)
    assert by_item["writes to S3"].amount > 1_000_000
    arguments = Namespace(name=commanded.name, sink="s3-objects", max_cost_usd=5.0)
    billing = Namespace(asks_iam=True, client=target.client, region=target.region)
    with pytest.raises(PreflightError, match=r"more than the \$5\.00 of --max-"):
        jobs_command._check_price(arguments, billing, 1_000_000)


def price(target, name):
    price_of(target, name, 1, "discard")


def upload(target, name):
    jobs.ServiceClient(target, name).upload("a.txt", b"")


@pytest.mark.parametrize(
    ("use", "variables", "message"),
    [
        (price, {settings.JOB_URLS: "1e6"}, "commanded answers nobody: .* is '1e6'"),
        (upload, {}, "commanded was deployed without a bucket"),
        (
            upload,
            {settings.BUCKET: "gone-bucket"},
            r"s3://gone-bucket/lists/a\.txt.* s3:PutObject\..*NoSuchBucket",
        ),
    ],
)
def test_a_service_that_another_program_deployed_wrongly_is_named(
    commanded, target, monkeypatch, use, variables, message
):
    found = lambda_function.find(target, commanded.name)
    found["Configuration"]["Environment"] = {"Variables": variables}
    monkeypatch.setattr(lambda_function, "find", lambda *_: found)

    with pytest.raises(ServiceError, match=message):
        use(target, commanded.name)


def test_a_service_that_does_not_answer_is_asked_again_and_then_named(
    commanded, target, silent_url, monkeypatch
):
    monkeypatch.setattr(jobs, "_PAUSE_S", 0.001)
    service = jobs.ServiceClient(target, commanded.name)
    service._url = f"{silent_url}/"

    with pytest.raises(ServiceError, match=r"function commanded answers: .* connect"):
        service.status("0" * 32)


def test_who_waits_for_a_job_outlasts_that_no_execution_is_left(
    rollout, commanded, target, monkeypatch, tmp_path
):
    """Its own executions may take all that is reserved for the function."""
    monkeypatch.setattr(jobs, "_PAUSE_S", 0.001)
    path = written(tmp_path / "list.txt", [("http://127.0.0.1:1/a", "a")])
    _, out, _ = rollout("submit", path, "--sink", "discard", "--option", "attempts=1")
    job = json.loads(out)["id"]
    rollout("status", job, "--wait")
    client, answers = target.client("lambda"), []
    send = jobs.URLLib3Session.send

    def send_and_count(session, request):
        answer = send(session, request)
        if "/jobs/" in request.url:
            answers.append(answer)
            if len(answers) == jobs._ATTEMPTS + 1:
                client.delete_function_concurrency(FunctionName=commanded.name)
        return answer

    client.put_function_concurrency(
        FunctionName=commanded.name, ReservedConcurrentExecutions=0
    )
    monkeypatch.setattr(jobs.URLLib3Session, "send", send_and_count)
    rollout("status", job, "--wait")

    refused = [answer.status_code for answer in answers[: jobs._ATTEMPTS + 1]]
    assert refused == [429] * (jobs._ATTEMPTS + 1)
    assert json.loads(answers[-1].content)["state"] == "done"
