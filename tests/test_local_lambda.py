"""The local Lambda, asked as AWS would be: boto3, real zips, real processes."""

import asyncio
import base64
import contextlib
import hashlib
import http.client
import io
import json
import sys
import threading
import time
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rollout.local_aws import LocalAws
from rollout.local_lambda import zygote

ROLE = "arn:aws:iam::123456789012:role/worker"


@contextlib.contextmanager
def running(**options):
    """Run an endpoint in a thread; its loop stays free of the test's waiting."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        aws = LocalAws(**options)
        asyncio.run_coroutine_threadsafe(aws.start(), loop).result(30)
        try:
            yield aws
        finally:
            asyncio.run_coroutine_threadsafe(aws.stop(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def connect(aws, service="lambda", region="us-east-1"):
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=region,
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=64),
    )


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def request_for(name, code, **settings):
    files = {"app.py": code} if isinstance(code, str) else code
    return {
        "FunctionName": name,
        "Role": ROLE,
        "Runtime": "python3.11",
        "Handler": "app.run",
        "Code": {"ZipFile": zipped(files)},
    } | settings


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
def busy(tmp_path):
    """Keep a function with the code GATE busy; its answer can be had afterwards."""

    @contextlib.contextmanager
    def busy(client, name):
        gate = tmp_path / "gate"
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(invoke, client, name, str(gate))
            try:
                eventually(gate.with_suffix(".entered").exists)
                yield running
            finally:
                gate.touch()

    return busy


def call(client, name, **options):
    """Invoke, and replace the stream of the payload by its content."""
    answer = client.invoke(FunctionName=name, **options)
    return answer | {"Payload": answer["Payload"].read()}


def invoke(client, name, event=None):
    answer = call(client, name, Payload=json.dumps(event))
    return json.loads(answer["Payload"]), answer.get("FunctionError")


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    error = response["Error"]
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, error["Code"], error["Message"]


def eventually(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid):
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


ECHO = "def run(event, context): return event\n"
PID = "import os\ndef run(event, context): return os.getpid()\n"
SLEEP = (
    "import os, time\n"
    "def run(event, context):\n"
    "    time.sleep(event)\n"
    "    return os.getpid()\n"
)
# Says that it runs, and runs until the file it is given exists.
GATE = (
    "import os, pathlib, time\n"
    "def run(event, context):\n"
    "    gate = pathlib.Path(event)\n"
    "    gate.with_suffix('.entered').touch()\n"
    "    while not gate.exists(): time.sleep(0.005)\n"
    "    return os.getpid()\n"
)


# Invoke


@pytest.mark.parametrize("event", [None, True, 1.5, "ü\u2028", [1, {"a": []}], {}])
def test_events_arrive_and_answers_return_unchanged(client, deploy, event):
    name = deploy(ECHO)

    assert invoke(client, name, event) == (event, None)


def test_an_invocation_without_payload_gets_an_empty_object(client, deploy):
    answer = call(client, deploy(ECHO))

    assert answer["Payload"] == b"{}"
    assert answer["ExecutedVersion"] == "$LATEST"


def test_the_function_knows_who_called_whom_and_how_long_it_has(client, deploy):
    name = deploy(
        "def run(event, c):\n"
        "    return [c.aws_request_id, c.function_name, c.memory_limit_in_mb,\n"
        "            c.invoked_function_arn, c.get_remaining_time_in_millis(),\n"
        "            c.log_group_name, c.client_context.custom]\n",
        MemorySize=256,
        Timeout=7,
    )
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    answer = call(client, name, Qualifier="$LATEST", ClientContext=context)
    request_id, own, memory, arn, left, group, custom = json.loads(answer["Payload"])

    assert request_id == answer["ResponseMetadata"]["RequestId"]
    assert (own, memory) == (name, "256")
    assert arn == f"arn:aws:lambda:us-east-1:123456789012:function:{name}:$LATEST"
    assert 5000 < left <= 7000
    assert group == f"/aws/lambda/{name}"
    assert custom == {"k": "v"}


@pytest.mark.parametrize("spelling", ["{}", "{}:$LATEST", "123456789012:function:{}"])
def test_a_function_can_be_spelled_in_many_ways(client, deploy, spelling):
    assert invoke(client, spelling.format(deploy(ECHO)), 1) == (1, None)


def test_a_dry_run_runs_nothing(client, deploy):
    answer = call(client, deploy(ECHO), InvocationType="DryRun")

    assert answer["StatusCode"] == 204


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


def test_callers_at_once_get_an_environment_each_and_these_are_reused(client, deploy):
    name = deploy(SLEEP)
    with ThreadPoolExecutor(10) as threads:
        first = set(threads.map(lambda _: invoke(client, name, 0.3)[0], range(10)))
        again = set(threads.map(lambda _: invoke(client, name, 0.3)[0], range(10)))

    assert len(first) == 10
    assert again == first


# Functions that fail


def test_an_exception_is_reported_as_python_saw_it(client, deploy):
    name = deploy("def run(event, context): raise ValueError('no')\n")
    error, kind = invoke(client, name)

    assert kind == "Unhandled"
    assert list(error) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no")
    assert "app.py" in error["stackTrace"][0]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("import nothing_like_it\n", "Runtime.ImportModuleError"),
        ("def other(): pass\n", "Runtime.HandlerNotFound"),
        ("def run(:\n", "Runtime.UserCodeSyntaxError"),
        ("raise RuntimeError('early')\n", "RuntimeError"),
    ],
)
def test_code_that_cannot_be_loaded_says_why(client, deploy, code, kind):
    name = deploy(code)
    for _ in range(2):
        error, function_error = invoke(client, name)

        assert function_error == "Unhandled"
        assert error["errorType"] == kind
        assert error["requestId"] == ""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("os._exit(7)", "Runtime exited with error: exit status 7"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_function_that_exits_is_reported_and_replaced(client, deploy, line, reason):
    name = deploy(
        "import os, sys\n"
        "def run(event, context):\n"
        f"    {line} if event else None\n"
        "    return os.getpid()\n"
    )
    before, _ = invoke(client, name)
    error, kind = invoke(client, name, 1)
    after, _ = invoke(client, name)

    assert kind == "Unhandled"
    assert list(error) == ["errorType", "errorMessage"]
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(f" Error: {reason}")
    assert before != after


def test_an_exit_while_loading_is_an_exit_too(client, deploy):
    error, _ = invoke(client, deploy("import sys\nsys.exit(3)\n"))

    assert error["errorMessage"].endswith("exit status 3")


def test_a_function_is_killed_at_its_timeout_and_tmp_stays(client, deploy):
    """
    AWS replaces the process, not the environment's disk.
    """
    name = deploy(
        "import os, tempfile, time, pathlib\n"
        "memory = []\n"
        "file = pathlib.Path(tempfile.gettempdir(), 'kept')\n"
        "def run(event, context):\n"
        "    memory.append(1); seen = file.exists(); file.touch()\n"
        "    time.sleep(event)\n"
        "    return [len(memory), seen]\n",
        Timeout=1,
    )
    began = time.monotonic()
    error, kind = invoke(client, name, 30)
    took = time.monotonic() - began

    assert kind == "Unhandled"
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert 1 <= took < 3
    assert invoke(client, name, 0) == ([1, True], None)


def test_an_answer_over_the_limit_is_refused_and_one_at_it_passes(client, deploy):
    name = deploy("def run(event, context): return 'x' * event\n")
    most = 6_291_556 - len('""')

    error, kind = invoke(client, name, most + 1)
    fits, _ = invoke(client, name, most)

    assert kind == "Unhandled"
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert len(fits) == most
    assert len(invoke(client, name, 50_000_000)[0]["errorMessage"]) < 200
    assert invoke(client, name, 1) == ("x", None)


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


def test_an_environment_has_lambdas_variables_and_none_of_ours(
    aws, client, deploy, monkeypatch
):
    monkeypatch.setenv("AWS_PROFILE", "secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    name = deploy(
        "import os, sys, resource\n"
        "def run(event, context):\n"
        "    return [dict(os.environ), os.getcwd(), sys.path[0],\n"
        "            resource.getrlimit(resource.RLIMIT_NOFILE)]\n",
        Environment={"Variables": {"GREETING": "grüezi"}},
        Runtime="python3.13",
    )
    (variables, cwd, path, limit), _ = invoke(client, name)

    assert variables["GREETING"] == "grüezi"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert variables["LAMBDA_TASK_ROOT"] == cwd == path
    assert Path(variables["TMPDIR"]).name == "tmp"
    assert not {"AWS_PROFILE", "SOME_TOKEN", "HOME"} & variables.keys()
    assert limit == [1024, 1024]


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


def test_reserved_concurrency_is_a_share_and_a_limit(client, deploy, busy):
    name = deploy(GATE)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    settings = client.get_account_settings()["AccountLimit"]
    with busy(client, name):
        refusal = refused(client.invoke, FunctionName=name)
    seen = client.get_function(FunctionName=name)

    assert settings["ConcurrentExecutions"] == 1000
    assert settings["UnreservedConcurrentExecutions"] == 999
    assert refusal == (429, "TooManyRequestsException", "Rate Exceeded.")
    assert seen["Concurrency"] == {"ReservedConcurrentExecutions": 1}


def test_a_function_with_nothing_reserved_is_switched_off(client, deploy):
    name = deploy(ECHO)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        call(client, name)
    client.delete_function_concurrency(FunctionName=name)

    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert caught.value.response["Reason"] == reason
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(
        FunctionName=name
    )
    assert invoke(client, name, 1) == (1, None)


def test_a_hundred_executions_must_stay_unreserved(client, deploy):
    name = deploy(ECHO)
    status, code, message = refused(
        client.put_function_concurrency,
        FunctionName=name,
        ReservedConcurrentExecutions=901,
    )

    assert (status, code) == (400, "InvalidParameterValueException")
    assert message.endswith("below its minimum value of [100].")


def test_the_account_has_a_limit_and_events_wait_for_room(busy, tmp_path):
    with running(account_concurrency=1) as aws:
        client = connect(aws)
        client.create_function(**request_for("gate", GATE))
        client.get_waiter("function_active_v2").wait(FunctionName="gate")
        late = tmp_path / "late"
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


def test_a_failing_event_is_tried_three_times_under_one_id(client, deploy, tmp_path):
    record = tmp_path / "attempts"
    name = deploy(
        "def run(event, context):\n"
        f"    with open({str(record)!r}, 'a') as file:\n"
        "        file.write(context.aws_request_id + '\\n')\n"
        "    raise RuntimeError('again')\n"
    )
    answer = call(client, name, InvocationType="Event")

    assert answer["StatusCode"] == 202
    assert "FunctionError" not in answer
    assert "ExecutedVersion" not in answer
    eventually(lambda: record.exists() and len(record.read_text().split()) == 3)
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert record.read_text().split() == [request_id] * 3


# Logs


def test_the_tail_shows_what_lambda_and_the_function_wrote(client, deploy):
    name = deploy(
        "import logging\n"
        "def run(event, context):\n"
        "    print('printed', end='')\n"
        "    logging.warning('logged')\n"
        "    if event: raise KeyError('k')\n"
    )
    cold, warm, error = (
        call(client, name, Payload=event, LogType="Tail") for event in ("0", "0", "1")
    )
    lines = base64.b64decode(cold["LogResult"]).decode().split("\n")
    request_id = cold["ResponseMetadata"]["RequestId"]

    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[1].startswith("printed[WARNING]\t")
    assert lines[1].endswith(f"Z\t{request_id}\tlogged")
    assert lines[2] == f"END RequestId: {request_id}"
    assert lines[3].startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert "\tMemory Size: 128 MB\tMax Memory Used: " in lines[3]
    assert "\tInit Duration: " in lines[3]
    assert b"Init Duration" not in base64.b64decode(warm["LogResult"])
    assert b"[ERROR] KeyError: 'k'\nTraceback" in base64.b64decode(error["LogResult"])


def test_the_tail_is_four_kilobytes_at_most(client, deploy):
    name = deploy("def run(event, context): print('x' * 100_000)\n")
    tail = base64.b64decode(call(client, name, LogType="Tail")["LogResult"])

    assert len(tail) == 4096
    assert tail.endswith(b"\t\n")


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


def test_a_new_function_is_pending_and_then_active(client):
    request = request_for("stateful", ECHO, Tags={"a": "b"}, Description="d")
    made = client.create_function(**request)
    refusal = refused(client.invoke, FunctionName="stateful")
    client.get_waiter("function_active_v2").wait(FunctionName="stateful")
    seen = client.get_function(FunctionName="stateful")
    client.delete_function(FunctionName="stateful")

    assert (made["State"], made["StateReasonCode"]) == ("Pending", "Creating")
    assert "LastUpdateStatus" not in made
    assert refusal[:2] == (409, "ResourceConflictException")
    configuration = seen["Configuration"]
    assert configuration["State"] == "Active"
    assert configuration["LastUpdateStatus"] == "Successful"
    assert configuration["RevisionId"] != made["RevisionId"]
    assert (made["Timeout"], made["MemorySize"]) == (3, 128)
    assert (
        made["CodeSha256"]
        == base64.b64encode(
            hashlib.sha256(request["Code"]["ZipFile"]).digest()
        ).decode()
    )
    assert seen["Tags"] == {"a": "b"}


def test_the_code_can_be_downloaded_as_it_was_uploaded(client, deploy):
    location = client.get_function(FunctionName=deploy(ECHO))["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        content = answer.read()

    assert zipfile.ZipFile(io.BytesIO(content)).read("app.py").decode() == ECHO


def test_settings_are_kept_changed_and_in_force(client, deploy):
    name = deploy(
        "import os\ndef run(e, c): return [c.memory_limit_in_mb, os.getenv('KEY')]\n",
        EphemeralStorage={"Size": 1024},
        Architectures=["arm64"],
    )
    changed = client.update_function_configuration(
        FunctionName=name, MemorySize=512, Environment={"Variables": {"KEY": "v"}}
    )
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    seen = client.get_function_configuration(FunctionName=name)

    assert changed["LastUpdateStatus"] == "InProgress"
    assert seen["LastUpdateStatus"] == "Successful"
    assert seen["EphemeralStorage"] == {"Size": 1024}
    assert seen["Architectures"] == ["arm64"]
    assert invoke(client, name) == (["512", "v"], None)


def test_new_code_runs_at_once_and_does_not_disturb_what_is_running(
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


def test_a_change_on_top_of_a_change_is_refused(client, deploy):
    name = deploy(ECHO)
    client.update_function_configuration(FunctionName=name, Timeout=5)
    status, code, message = refused(
        client.update_function_configuration, FunctionName=name, Timeout=6
    )

    assert (status, code) == (409, "ResourceConflictException")
    assert "An update is in progress for resource: arn:aws:lambda:" in message


def test_functions_are_listed_in_pages_and_tags_can_change(client, deploy):
    names = [deploy(ECHO) for _ in range(3)]
    pages = client.get_paginator("list_functions").paginate(
        PaginationConfig={"PageSize": 2}
    )
    listed = [f["FunctionName"] for page in pages for f in page["Functions"]]
    arn = client.get_function_configuration(FunctionName=names[0])["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"x": "1", "y": "2"})
    client.untag_resource(Resource=arn, TagKeys=["x"])

    assert set(names) <= set(listed)
    assert client.list_tags(Resource=arn)["Tags"] == {"y": "2"}


def test_a_deleted_function_is_gone_and_its_name_is_free(client, deploy):
    name = deploy(PID)
    pid, _ = invoke(client, name)
    client.delete_function(FunctionName=name)

    assert not alive(pid)
    assert refused(client.invoke, FunctionName=name)[:2] == (
        404,
        "ResourceNotFoundException",
    )
    client.create_function(**request_for(name, PID))


def test_a_running_call_survives_the_deletion(client, deploy, busy):
    name = deploy(GATE)
    with busy(client, name) as running:
        client.delete_function(FunctionName=name)
    pid, error = running.result()

    assert error is None
    eventually(lambda: not alive(pid))


# Refusals


def test_an_unknown_function_is_not_found(client):
    unknown = "Function not found: arn:aws:lambda:us-east-1:123456789012:function:no"
    invoked = refused(client.invoke, FunctionName="no")
    shown = refused(client.get_function, FunctionName="no")

    assert invoked == (404, "ResourceNotFoundException", f"{unknown}:$LATEST")
    assert shown == (404, "ResourceNotFoundException", unknown)


def test_a_taken_name_is_refused(client, deploy):
    name = deploy(ECHO)

    assert refused(client.create_function, **request_for(name, ECHO)) == (
        409,
        "ResourceConflictException",
        f"Function already exist: {name}",
    )


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
    ("size", "kind", "part"),
    [
        (6_291_457, "RequestResponse", "Request must be smaller than 6291456 bytes"),
        (1_048_577, "Event", "1048577 byte payload is too large for the Event"),
    ],
)
def test_an_event_over_the_limit_is_refused(client, deploy, size, kind, part):
    payload = b'"' + b"x" * (size - 2) + b'"'
    status, code, message = refused(
        client.invoke,
        FunctionName=deploy(ECHO),
        Payload=payload,
        InvocationType=kind,
    )

    assert (status, code) == (413, "RequestEntityTooLargeException")
    assert part in message


@pytest.mark.parametrize("payload", [b"{", b"\xff", b"NaN", b"[" * 100_000])
def test_an_event_that_is_not_json_is_refused(client, deploy, payload):
    status, code, message = refused(
        client.invoke, FunctionName=deploy(ECHO), Payload=payload
    )

    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json")


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


def test_a_function_lives_in_the_region_it_was_made_in(aws, client, deploy):
    name = deploy(ECHO)
    elsewhere = connect(aws, region="eu-west-1")
    listed = elsewhere.list_functions()["Functions"]
    by_name = refused(elsewhere.get_function, FunctionName=name)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    by_arn = refused(elsewhere.get_function, FunctionName=arn)
    elsewhere.close()

    assert listed == []
    assert by_name[1] == "ResourceNotFoundException"
    assert by_arn[2] == (
        "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"
    )
