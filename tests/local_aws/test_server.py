"""The endpoint as a whole: what it stands for, and that nothing of it stays behind."""

import asyncio
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from tests.support.child_processes import alive
from tests.support.lambda_api import eventually, invoke

from local_aws.errors import EndpointError
from local_aws.server import LocalAws, main_async

SERVE = """
import asyncio
from local_aws.server import main_async
import json
def tell(aws):
    print(json.dumps([aws.endpoint_url, aws.keys.environ()]), flush=True)
asyncio.run(main_async(on_ready=tell))
"""

# What a user would write; it knows nothing of this project.
SCRIPT = """
import io, json, sys, zipfile, boto3
client = boto3.client(
    "lambda", endpoint_url=sys.argv[1], region_name="us-east-1",
)
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("app.py", "import os\\ndef run(e, c): return [e, os.getpid()]\\n")
name = sys.argv[2]
client.create_function(
    FunctionName=name, Role="arn:aws:iam::123456789012:role/r", Runtime="python3.11",
    Handler="app.run", Code={"ZipFile": code.getvalue()},
)
client.get_waiter("function_active_v2").wait(FunctionName=name)
answer = client.invoke(FunctionName=name, Payload=b'"hello"')
print(answer["Payload"].read().decode())
"""


@dataclass
class Served:
    """An endpoint in a process of its own."""

    process: subprocess.Popen
    url: str
    environ: dict[str, str]

    @property
    def pid(self):
        return self.process.pid

    def run_script(self, name="f"):
        command = [sys.executable, "-c", SCRIPT, self.url, name]
        return json.loads(
            subprocess.check_output(command, env=os.environ | self.environ)
        )

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environ["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}),
        )


@contextlib.contextmanager
def serving(folder):
    """Run an endpoint in a process of its own, with its own temporary folder."""
    environment = os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            yield Served(process, *json.loads(process.stdout.readline()))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("tmp")) as served:
        yield served


@pytest.fixture(scope="module")
def url(served):
    return served.url


@pytest.fixture
def client(served):
    made = []

    def client(service):
        made.append(served.client(service))
        return made[-1]

    yield client
    for each in made:
        each.close()


def descendants(pid):
    """Return the ids of all processes below one."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


def any_alive(pids):
    return any(map(alive, pids))


def test_a_plain_boto3_script_deploys_and_invokes(served):
    assert served.run_script("plain")[0] == "hello"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_endpoint_leaves_no_process_and_no_folder(tmp_path, number):
    with serving(tmp_path) as served:
        served.run_script()
        below = descendants(served.pid)
        made = list(tmp_path.iterdir())
        served.process.send_signal(number)
        status = served.process.wait(10)

    assert len(below) == 3  # moto, a zygote, an environment
    assert len(made) == 1
    assert status == 0
    assert not any_alive(below)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_endpoint_leaves_no_process_and_the_next_one_cleans_up(tmp_path):
    with serving(tmp_path) as served:
        served.run_script()
        below = descendants(served.pid)
        served.process.kill()
        served.process.wait()
    eventually(lambda: not any_alive(below))
    (left,) = tmp_path.iterdir()
    with serving(tmp_path):
        (made,) = tmp_path.iterdir()

    assert left != made


def test_a_killed_zygote_takes_its_environments_along_and_is_replaced(served):
    _, environment = served.run_script("orphan")
    (zygote,) = [
        pid for pid in descendants(served.pid) if environment in descendants(pid)
    ]
    os.kill(zygote, signal.SIGKILL)
    eventually(lambda: zygote not in descendants(served.pid))
    with contextlib.closing(served.client("lambda")) as client:
        event, replacement = invoke(client, "orphan", 1)[0]

    assert event == 1
    assert replacement != environment


def test_objects_survive_the_way_to_moto_and_back(client):
    s3 = client("s3")
    content = os.urandom(9_000_000)
    s3.create_bucket(Bucket="bucket")
    s3.upload_fileobj(io.BytesIO(content), "bucket", "a key/ü+%.bin")
    got = s3.get_object(Bucket="bucket", Key="a key/ü+%.bin")["Body"].read()
    part = s3.get_object(Bucket="bucket", Key="a key/ü+%.bin", Range="bytes=5-9")
    signed = s3.generate_presigned_url(
        "get_object", {"Bucket": "bucket", "Key": "a key/ü+%.bin"}
    )
    with urllib.request.urlopen(signed) as answer:
        downloaded = answer.read()
    head = s3.head_object(Bucket="bucket", Key="a key/ü+%.bin")

    assert got == downloaded == content
    assert part["Body"].read() == content[5:10]
    assert head["ContentLength"] == len(content)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="bucket", Key="other")


def test_roles_identities_and_log_groups_are_there_too(client):
    iam, sts, logs = client("iam"), client("sts"), client("logs")
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument="{}")["Role"]
    logs.create_log_group(logGroupName="group")
    groups = logs.describe_log_groups(logGroupNamePrefix="group")["logGroups"]

    account = sts.get_caller_identity()["Account"]
    assert role["Arn"] == f"arn:aws:iam::{account}:role/worker"
    assert [group["logGroupName"] for group in groups] == ["group"]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_events(logGroupName="no", logStreamName="no")


def test_code_can_come_from_s3(client):
    s3, functions = client("s3"), client("lambda")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def run(event, context): return 'from S3'\n")
    s3.create_bucket(Bucket="code-bucket")
    s3.put_object(Bucket="code-bucket", Key="a/b c.zip", Body=code.getvalue())
    functions.create_function(
        FunctionName="from-s3",
        Role="arn:aws:iam::123456789012:role/r",
        Runtime="python3.11",
        Handler="app.run",
        Code={"S3Bucket": "code-bucket", "S3Key": "a/b c.zip"},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="from-s3")
    answer = functions.invoke(FunctionName="from-s3")

    assert answer["Payload"].read() == b'"from S3"'


def test_a_taken_port_is_named(url):
    port = int(url.rpartition(":")[2])
    with pytest.raises(EndpointError, match=f"port {port} of 127.0.0.1: Address"):
        asyncio.run(LocalAws("127.0.0.1", port).start())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", ""])
def test_only_loopback_is_served(host):
    with pytest.raises(EndpointError, match="runs code for everyone"):
        asyncio.run(LocalAws(host).start())


def test_a_port_of_ones_own_can_be_chosen_and_the_event_ends_it():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    urls = []

    async def run():
        stop = asyncio.Event()

        def ready(aws):
            urls.append(aws.endpoint_url)
            stop.set()

        await main_async("127.0.0.1", port, on_ready=ready, stop=stop)

    asyncio.run(run())

    assert urls == [f"http://127.0.0.1:{port}"]
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(urls[0])
