"""The endpoint as a whole: what it stands for, and that nothing of it stays behind."""

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import pytest
from tests.support.child_processes import any_alive, family_of
from tests.support.lambda_api import Function, eventually
from tests.support.served_endpoint import serving

from local_aws import temporary_folders
from local_aws.endpoint_error import EndpointError
from local_aws.server import LocalAws

# What a user would write; it knows nothing of this project.
SCRIPT = """
import io, json, sys, zipfile, boto3
client = boto3.client(
    "lambda", endpoint_url=sys.argv[1], region_name="us-east-1",
)
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("app.py", "import os\\ndef run(e, c): return [e, os.getpid()]\\n")
client.create_function(
    FunctionName="f", Role="arn:aws:iam::123456789012:role/r", Runtime="python3.11",
    Handler="app.run", Code={"ZipFile": code.getvalue()},
)
client.get_waiter("function_active_v2").wait(FunctionName="f")
answer = client.invoke(FunctionName="f", Payload=b'"hello"')
print(answer["Payload"].read().decode())
"""


def run_script(aws):
    """Return the id of the process that answered a plain boto3 script."""
    environ = os.environ | aws.keys.environ()
    command = [sys.executable, "-c", SCRIPT, aws.endpoint_url]
    said, pid = json.loads(subprocess.check_output(command, env=environ))
    assert said == "hello"
    return pid


def below(pid):
    """Return the ids of all processes below one."""
    return [one.pid for one in family_of(pid)[1:]]


@pytest.mark.parametrize(
    "how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)]
)
def test_a_stopped_endpoint_leaves_no_process_no_folder_and_a_free_port(tmp_path, how):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving("--origin", "--port", str(port), tmpdir=tmp_path) as served:
        run_script(served)
        processes = below(served.process.pid)
        made = list(tmp_path.iterdir())
        picture = f"{served.told['origin_url']}/1000/1.jpg"
        with urllib.request.urlopen(picture) as answer:
            body = answer.read()
        served.process.send_signal(how)
        rest = served.process.stdout.read()
        status = served.process.wait(10)

    assert len(processes) == 4  # moto, the origin, a zygote, an environment
    assert len(made) == 1
    assert len(body) == 1_000
    assert (status, rest) == (0, "")
    assert not any_alive(processes)
    assert list(tmp_path.iterdir()) == []
    assert served.endpoint_url == f"http://127.0.0.1:{port}"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(served.endpoint_url)


def test_a_killed_endpoint_leaves_no_process_and_the_next_one_cleans_up(
    tmp_path, monkeypatch
):
    with serving(tmpdir=tmp_path) as served:
        run_script(served)
        processes = below(served.process.pid)
        served.process.kill()
        served.process.wait()
    eventually(lambda: not any_alive(processes))
    (left,) = tmp_path.iterdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folders.temporary():
        (made,) = tmp_path.iterdir()

    assert left != made


def test_a_killed_zygote_takes_its_environments_along_and_is_replaced(aws, client):
    environment = run_script(aws)
    function = Function(client, "f")
    (zygote,) = [pid for pid in below(os.getpid()) if environment in below(pid)]
    os.kill(zygote, signal.SIGKILL)
    eventually(lambda: not any_alive([zygote, environment]))
    function(1)  # may reach the dead one before the endpoint knows that it is
    event, replacement = function(1)[0]
    function.delete_function()

    assert event == 1
    assert replacement != environment


def test_objects_survive_the_way_to_moto_and_back(client_of):
    s3 = client_of("s3")
    content = os.urandom(9_000_000)
    named = {"Bucket": "objects", "Key": "a key/ü+%.bin"}
    s3.create_bucket(Bucket="objects")
    s3.upload_fileobj(io.BytesIO(content), *named.values())
    got = s3.get_object(**named)["Body"].read()
    part = s3.get_object(**named, Range="bytes=5-9")
    signed = s3.generate_presigned_url("get_object", named)
    with urllib.request.urlopen(signed) as answer:
        downloaded = answer.read()

    assert got == downloaded == content
    assert part["Body"].read() == content[5:10]
    assert s3.head_object(**named)["ContentLength"] == len(content)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="objects", Key="other")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", ""])
def test_only_loopback_is_served(host):
    with pytest.raises(EndpointError, match="runs code for everyone"):
        asyncio.run(LocalAws(host).__aenter__())
