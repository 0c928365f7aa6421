"""Each environment's own /tmp: who may have it, and that nothing of it stays."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import pytest
from tests.support.lambda_api import connect, create, eventually, invoke, running
from tests.support.tmp_mounts import is_permitted

from local_aws import temporary_folders
from local_aws.local_lambda.runtime.processes import zygote_control

needs_mounts = pytest.mark.skipif(
    not is_permitted(), reason="this system does not let us mount"
)

# What Python needs below /tmp is seen there: a checkout may well be.
NEEDED = {
    Path(path).relative_to("/tmp").parts[0]
    for path in (sys.prefix, temporary_folders.__file__)
    if Path(path).is_relative_to("/tmp")
}

SERVE = [sys.executable, "-P", "-m", "rollout", "serve", "--until-stdin-closes"]

# Root with every right but that to mount is in this like any other user.
_WITHOUT_THE_RIGHT = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_SYS_ADMIN = 24, 21
ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
# And here nobody may make a user namespace either, as in most containers.
_WITHOUT_NAMESPACES = (
    """
import ctypes, os, sys
CLONE_NEWUSER = 0x1000_0000
user, group = os.getuid(), os.getgid()
assert ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0
open("/proc/self/setgroups", "w").write("deny")
open("/proc/self/uid_map", "w").write(f"0 {user} 1")
open("/proc/self/gid_map", "w").write(f"0 {group} 1")
open("/proc/sys/user/max_user_namespaces", "w").write("0")
"""
    + _WITHOUT_THE_RIGHT
)

LOOK = (
    "import os, pathlib, tempfile\n"
    "def run(event, context):\n"
    "    own = pathlib.Path(tempfile.gettempdir())\n"
    "    (own / 'file').touch()\n"
    "    status = pathlib.Path('/proc/self/status').read_text()\n"
    "    rights = status.split('CapEff:')[1].split()[0]\n"
    "    return {'own': str(own), 'tmpdir': os.getenv('TMPDIR'), 'rights': rights,\n"
    "            'tmp': os.listdir('/tmp'), 'user': os.getuid(), 'cwd': os.getcwd(),\n"
    "            'code': os.listdir()}\n"
)


@contextlib.contextmanager
def served(command, tmpdir):
    """Run an endpoint as a command; yield a client of it and the process."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmpdir)},
    ) as process:
        told = json.loads(process.stdout.readline())
        client = boto3.client(
            "lambda",
            endpoint_url=told["endpoint_url"],
            region_name="us-east-1",
            aws_access_key_id=told["access_key_id"],
            aws_secret_access_key=told["secret_access_key"],
        )
        try:
            yield client, process
        finally:
            client.close()
            process.stdin.close()


def look(client):
    create(client, "look", LOOK)
    answer, error = invoke(client, "look")
    assert error is None
    return answer


def mounts():
    return Path("/proc/self/mounts").read_text()


@needs_mounts
def test_nothing_is_mounted_outside_and_nothing_stays(shared_folder):
    before = mounts()
    with served(SERVE, shared_folder) as (client, process):
        seen = look(client)
        meanwhile = mounts()
        made = list(shared_folder.iterdir())
        process.stdin.close()
        process.wait(20)

    assert seen["own"] == "/tmp"
    assert seen["tmpdir"] is None
    assert set(seen["tmp"]) - NEEDED == {"file"}
    assert not Path("/tmp/file").exists()
    assert before == meanwhile == mounts()
    assert len(made) == 1
    assert list(shared_folder.iterdir()) == []


@needs_mounts
def test_nothing_stays_of_an_endpoint_that_is_killed(shared_folder):
    before = mounts()
    with served(SERVE, shared_folder) as (client, process):
        look(client)
        process.kill()
        process.wait(20)

    assert mounts() == before


@needs_mounts
def test_an_ordinary_user_has_it_too_and_gets_no_rights_from_it(shared_folder):
    """
    It takes a user namespace, whose maker may do anything in it.
    """
    command = [sys.executable, "-c", _WITHOUT_THE_RIGHT, *SERVE]
    with served(command, shared_folder) as (client, _):
        seen = look(client)

    assert seen["own"] == "/tmp"
    assert set(seen["tmp"]) - NEEDED == {"file"}
    assert int(seen["rights"], 16) == 0
    assert seen["user"] == os.getuid()


@needs_mounts
def test_where_it_is_not_permitted_one_is_told_and_has_a_folder(shared_folder):
    command = [sys.executable, "-c", _WITHOUT_NAMESPACES, *SERVE]
    with served(command, shared_folder) as (client, process):
        seen = look(client)
        own = [str(path.parent) for path in shared_folder.rglob("file")]
        process.stdin.close()
        process.wait(20)
        told = process.stderr.read()

    assert [seen["own"]] == [seen["tmpdir"]] == own
    assert "/tmp is not private to an environment" in told
    assert list(shared_folder.iterdir()) == []


@needs_mounts
def test_code_that_lies_below_tmp_stays_in_sight():
    """
    It is where TMPDIR says, and the environment's own /tmp comes over that.
    """
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as below,
        served(SERVE, Path(below)) as (client, _),
    ):
        seen = look(client)

    assert seen["cwd"].startswith(below)
    assert "app.py" in seen["code"]
    assert seen["own"] == "/tmp"
    assert {"file"} < set(seen["tmp"])


def test_the_endpoints_own_folder_is_not_in_sight_below_tmp(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    with temporary_folders.temporary() as made:
        assert made.parent == Path("/var/tmp")


@pytest.mark.parametrize("start", ["fork", "fresh"])
@pytest.mark.parametrize("tmp", ["shared", pytest.param("private", marks=needs_mounts)])
def test_every_way_to_start_goes_with_every_tmp(monkeypatch, start, tmp):
    monkeypatch.setattr(zygote_control, "START", start)
    monkeypatch.setattr(zygote_control, "TMP", tmp)
    with running() as aws:
        client = connect(aws)
        seen = look(client)
        client.delete_function(FunctionName="look")
        eventually(lambda: not Path(seen["cwd"]).exists())
        client.close()

    assert (seen["own"] == "/tmp") == (tmp == "private")
    assert seen["cwd"].endswith("/task")
