"""What the local Lambda has of its own; tests/conformance has what is AWS's."""

import contextlib
import hashlib
import http.client
import json
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.lambda_api import (
    ECHO,
    PID,
    SLEEP,
    call,
    connect,
    eventually,
    invoke,
    refused,
    request_for,
    running,
    zipped,
)

from rollout.local_lambda import zygote


@pytest.fixture(scope="module")
def aws():
    with running(event_retry_delays_s=(0.05, 0.05)) as aws:
        yield aws


@pytest.fixture(scope="module")
def client(aws):
    client = connect(aws)
    yield client
    client.close()


@pytest.fixture
def deploy(client, request):
    """Deploy code under the test's own name; it is removed afterwards."""
    made = []

    def deploy(code, **settings):
        name = f"f{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}"
        name += str(len(made))
        client.create_function(**request_for(name, code, **settings))
        made.append(name)
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        return name

    yield deploy
    for name in made:
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            client.delete_function(FunctionName=name)


@pytest.fixture
def busy(shared_folder):
    """Keep a function with the code GATE busy; its answer can be had afterwards."""

    @contextlib.contextmanager
    def busy(client, name):
        gate = shared_folder / "gate"
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(invoke, client, name, str(gate))
            try:
                eventually(gate.with_suffix(".entered").exists)
                yield running
            finally:
                gate.touch()

    return busy


def alive(pid):
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


# Says that it runs, and runs until the file it is given exists.
GATE = (
    "import os, pathlib, time\n"
    "def run(event, context):\n"
    "    gate = pathlib.Path(event)\n"
    "    gate.with_suffix('.entered').touch()\n"
    "    while not gate.exists(): time.sleep(0.005)\n"
    "    return os.getpid()\n"
)


def test_one_environment_serves_one_caller_again_and_again(client, deploy):
    """
    A process answers before it asks for work; that must not look like being busy.
    """
    name = deploy(
        "import os\n"
        "count = 0\n"
        "def run(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    return [os.getpid(), count]\n"
    )
    answers = [invoke(client, name)[0] for _ in range(20)]

    assert len({pid for pid, _ in answers}) == 1
    assert [count for _, count in answers] == list(range(1, 21))


def test_environments_made_for_callers_at_once_are_all_used_again(client, deploy):
    name = deploy(SLEEP)
    with ThreadPoolExecutor(10) as threads:
        first = set(threads.map(lambda _: invoke(client, name, 0.3)[0], range(10)))
        again = set(threads.map(lambda _: invoke(client, name, 0.3)[0], range(10)))

    assert len(first) == 10
    assert again == first


def test_what_a_function_started_ends_with_its_environment(client, deploy):
    name = deploy(
        "import subprocess, os\n"
        "def run(event, context):\n"
        "    if event: os._exit(1)\n"
        "    return subprocess.Popen(['sleep', '1000']).pid\n"
    )
    pid, _ = invoke(client, name)
    invoke(client, name, 1)

    eventually(lambda: not alive(pid))


# Environments


def test_an_environment_has_none_of_our_variables_and_knows_the_endpoint(
    aws, client, deploy, monkeypatch
):
    monkeypatch.setenv("AWS_PROFILE", "secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    name = deploy("import os\ndef run(event, context): return dict(os.environ)\n")
    variables, _ = invoke(client, name)

    assert not {"AWS_PROFILE", "SOME_TOKEN"} & variables.keys()
    assert variables["AWS_ENDPOINT_URL"] == aws.endpoint_url


def test_boto3_in_a_function_talks_to_the_same_endpoint(client, deploy):
    name = deploy(
        "import boto3\n"
        "def run(event, context):\n"
        "    return boto3.client('sts').get_caller_identity()['Account']\n",
        Timeout=30,
    )

    assert invoke(client, name) == ("123456789012", None)


def test_libraries_are_imported_once_and_the_handler_in_each_environment(
    client, deploy
):
    """
    Shared module state would give every environment the same random numbers.
    """
    pid_at_import = "import os\npid = os.getpid()\n"
    metadata = "Metadata-Version: 2.1\nName: lib\nVersion: 1\n"
    name = deploy(
        {
            "lib/__init__.py": pid_at_import,
            "lib-1.dist-info/METADATA": metadata,
            "lib-1.dist-info/RECORD": "lib/__init__.py,,\nlib-1.dist-info/METADATA,,\n",
            "broken/__init__.py": "raise SystemExit('not here')\n",
            "broken-1.dist-info/METADATA": metadata.replace("lib", "broken"),
            "broken-1.dist-info/RECORD": "broken/__init__.py,,\n",
            "app.py": f"{pid_at_import}import lib, time\n"
            "def run(event, context):\n"
            "    time.sleep(0.3)\n"
            "    return [os.getpid(), pid, lib.pid]\n",
        }
    )
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: invoke(client, name)[0], range(3)))

    assert len({own for own, _, _ in answers}) == 3
    assert all(own == handlers for own, handlers, _ in answers)
    assert len({librarys for _, _, librarys in answers}) == 1


def test_environments_can_be_fresh_processes_where_forking_is_unsafe(
    client, deploy, monkeypatch
):
    monkeypatch.setattr(zygote, "START", "fresh")
    name = deploy("import os\ndef run(e, c): os._exit(e) if e else None; return 1\n")

    assert invoke(client, name) == (1, None)
    assert invoke(client, name, 5)[0]["errorMessage"].endswith("exit status 5")
    assert invoke(client, name) == (1, None)


# Concurrency


def test_the_account_has_a_limit_and_events_wait_for_room(busy, shared_folder):
    with running(account_concurrency=1) as aws:
        client = connect(aws)
        client.create_function(**request_for("gate", GATE))
        client.get_waiter("function_active_v2").wait(FunctionName="gate")
        late = shared_folder / "late"
        event = {"InvocationType": "Event", "Payload": json.dumps(str(late))}
        with busy(client, "gate"):
            with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
                call(client, "gate")
            accepted = call(client, "gate", **event)
            ran_early = late.with_suffix(".entered").exists()
        eventually(late.with_suffix(".entered").exists)
        client.close()

    assert caught.value.response["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert accepted["StatusCode"] == 202
    assert not ran_early


# Logs


def test_output_is_in_cloudwatch_logs_when_the_answer_is_here(aws, client, deploy):
    logs = connect(aws, "logs")
    name = deploy("def run(event, context): print(f'got {event}')\n")
    group = f"/aws/lambda/{name}"
    logs.create_log_group(logGroupName=group)
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    for event in range(3):
        invoke(client, name, event)
    events = logs.filter_log_events(logGroupName=group)["events"]
    (described,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    logs.close()

    messages = [event["message"] for event in events]
    assert [m for m in messages if m.startswith("got")] == ["got 0", "got 1", "got 2"]
    assert sum(m.startswith("REPORT") for m in messages) == 3
    assert described["retentionInDays"] == 1
    assert len(streams) == 1
    assert "/[$LATEST]" in streams[0]["logStreamName"]


@pytest.mark.parametrize("group_first", [True, False])
def test_a_deleted_log_group_does_not_come_back(aws, client, deploy, group_first):
    logs = connect(aws, "logs")
    name = deploy("def run(event, context): print('one line')\n")
    group = f"/aws/lambda/{name}"
    invoke(client, name)
    made = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    deletions = [
        lambda: logs.delete_log_group(logGroupName=group),
        lambda: client.delete_function(FunctionName=name),
    ]
    for delete in deletions if group_first else reversed(deletions):
        delete()
    left = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    logs.close()

    assert len(made) == 1
    assert left == []


# The control plane


def test_a_function_cannot_be_called_before_somebody_saw_that_it_is_active(client):
    """
    The text is LocalStack's; nobody has published AWS's.
    """
    client.create_function(**request_for("pending", ECHO))
    status, code, message = refused(client.invoke, FunctionName="pending")
    client.get_waiter("function_active_v2").wait(FunctionName="pending")
    answer = invoke(client, "pending", 1)
    client.delete_function(FunctionName="pending")

    assert (status, code) == (409, "ResourceConflictException")
    assert message.endswith("in the following state: Pending")
    assert answer == (1, None)


def test_new_code_runs_at_once_and_old_processes_end_with_their_last_call(
    client, deploy, busy
):
    name = deploy(GATE)
    with busy(client, name) as running:
        client.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": ECHO}))
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
        new = invoke(client, name, "new")
    pid, error = running.result()

    assert new == ("new", None)
    assert error is None
    eventually(lambda: not alive(pid))


def test_a_deleted_function_has_no_process_left(client, deploy):
    name = deploy(PID)
    pid, _ = invoke(client, name)
    client.delete_function(FunctionName=name)

    assert not alive(pid)


def test_a_deleted_functions_process_ends_with_its_last_call(client, deploy, busy):
    name = deploy(GATE)
    with busy(client, name) as running:
        client.delete_function(FunctionName=name)
    pid, error = running.result()

    assert error is None
    eventually(lambda: not alive(pid))


# Refusals


@pytest.mark.parametrize(
    ("wrong", "code", "part"),
    [
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValue", "not unzip"),
        ({"Runtime": "python9"}, "InvalidParameterValue", "Value python9 at 'runtime'"),
        ({"FunctionName": "a b"}, "Validation", "'a b' at 'functionName' failed"),
        ({"Role": "r1"}, "Validation", "Value 'r1' at 'role' failed"),
        ({"Timeout": 901}, "Validation", "less than or equal to 900"),
        ({"MemorySize": 10_241}, "Validation", "less than or equal to 10240"),
        ({"EphemeralStorage": {"Size": 10_241}}, "Validation", "ephemeralStorage.size"),
        (
            {"Environment": {"Variables": {"KEY": "x" * 4096}}},
            "InvalidParameterValue",
            'exceeded the 4KB limit. String measured: {"KEY":"x',
        ),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x"}}},
            "InvalidParameterValue",
            "Reserved keys used in this request: AWS_REGION",
        ),
        (
            {"Code": {"S3Bucket": "no-such-bucket", "S3Key": "k"}},
            "InvalidParameterValue",
            "S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does",
        ),
    ],
)
def test_a_wrong_function_is_refused_in_lambdas_words(client, wrong, code, part):
    request = request_for("wrong", ECHO) | wrong
    status, name, message = refused(client.create_function, **request)

    assert (status, name) == (400, f"{code}Exception")
    assert part in message


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/2015-03-31/nothing", "", 404),
        ("PATCH", "/2015-03-31/functions/f", "", 404),
        ("POST", "/2015-03-31/functions", "[1]", 400),
        ("POST", "/2015-03-31/functions", "{", 400),
        ("POST", "/2015-03-31/functions", '{"FunctionName": 1}', 400),
        ("POST", "/2015-03-31/functions", "{}", 400),
        ("GET", "/2015-03-31/functions?MaxItems=x", "", 400),
        ("GET", "/2015-03-31/layers", "", 404),
        ("GET", "/2018-10-31/layers", "", 501),
        ("GET", "/2015-03-31/functions/no-such-function/code.zip", "", 404),
    ],
)
def test_nonsense_gets_an_answer_in_aws_shape(aws, method, path, body, status):
    connection = http.client.HTTPConnection(aws.endpoint_url.removeprefix("http://"))
    connection.request(method, path, body)
    answer = connection.getresponse()
    document = json.loads(answer.read())
    connection.close()

    assert answer.status == status
    assert answer.headers["x-amzn-ErrorType"].endswith("Exception")
    assert document.get("message") or document.get("Message")


def test_a_web_page_cannot_deploy_code(aws):
    request = urllib.request.Request(
        f"{aws.endpoint_url}/2015-03-31/functions",
        data=b"{}",
        headers={"Origin": "https://example.org"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    caught.value.close()

    assert caught.value.code == 403


def test_the_interpreter_is_ours_whatever_runtime_says(client, deploy):
    code = "import sys\ndef run(event, context): return sys.executable\n"
    name = deploy(code, Runtime="python3.9")

    assert Path(invoke(client, name)[0]).samefile(sys.executable)
