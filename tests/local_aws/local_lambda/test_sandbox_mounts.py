"""Each environment's own /tmp: who may have it, and that nothing of it stays."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import pytest
from tests.support.lambda_api import connect, create, eventually
from tests.support.lambda_functions import zipped
from tests.support.served_endpoint import SERVE, serving
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
    "import glob, os, pathlib, tempfile\n"
    "def run(event, context):\n"
    "    own = pathlib.Path(tempfile.gettempdir())\n"
    "    (own / 'file').touch()\n"
    "    status = pathlib.Path('/proc/self/status').read_text()\n"
    "    rights = status.split('CapEff:')[1].split()[0]\n"
    "    layer = os.environ['PATH'].split(':')[-1]\n"
    "    return {'own': str(own), 'tmpdir': os.getenv('TMPDIR'), 'rights': rights,\n"
    "            'tmp': os.listdir('/tmp'), 'user': os.getuid(), 'cwd': os.getcwd(),\n"
    "            'code': os.listdir(), 'programs': glob.glob('*', root_dir=layer),\n"
    "            'writable': [at for at in ('.', layer) if os.access(at, os.W_OK)]}\n"
)


@contextlib.contextmanager
def served(tmpdir, *trick):
    """Serve a function with a layer; yield what it sees, and the endpoint's process."""
    command = (*trick, *SERVE, "--until-stdin-closes")
    with (
        serving(tmpdir=tmpdir, command=command) as served,
        contextlib.closing(connect(served)) as client,
    ):
        content = {"ZipFile": zipped({"bin/say": ""})}
        layer = client.publish_layer_version(LayerName="say", Content=content)
        layers = [layer["LayerVersionArn"]]
        yield look(create(client, "look", LOOK, Layers=layers)), served.process


def look(function):
    answer, error = function()
    assert error is None
    return answer


def mounts():
    return Path("/proc/self/mounts").read_text()


@needs_mounts
def test_nothing_is_mounted_outside_and_nothing_stays(shared_folder):
    before = mounts()
    with served(shared_folder) as (seen, process):
        meanwhile = mounts()
        made = list(shared_folder.iterdir())
        process.stdin.close()
        process.wait(20)

    assert seen["own"] == "/tmp"
    assert seen["tmpdir"] is None
    assert set(seen["tmp"]) - NEEDED == {"file"}
    assert not Path("/tmp/file").exists()
    assert seen["writable"] == []
    assert before == meanwhile == mounts()
    assert len(made) == 1
    assert list(shared_folder.iterdir()) == []


@needs_mounts
def test_an_ordinary_user_has_it_too_and_gets_no_rights_from_it(shared_folder):
    """It takes a user namespace, whose maker may do anything in it."""
    trick = (sys.executable, "-c", _WITHOUT_THE_RIGHT)
    with served(shared_folder, *trick) as (seen, _):
        pass

    assert seen["own"] == "/tmp"
    assert set(seen["tmp"]) - NEEDED == {"file"}
    assert int(seen["rights"], 16) == 0
    assert seen["user"] == os.getuid()


@needs_mounts
def test_where_it_is_not_permitted_one_is_told_and_has_a_folder(shared_folder):
    trick = (sys.executable, "-c", _WITHOUT_NAMESPACES)
    with served(shared_folder, *trick) as (seen, process):
        own = [str(path.parent) for path in shared_folder.rglob("file")]
        process.stdin.close()
        process.wait(20)
        told = process.stderr.read()

    assert [seen["own"]] == [seen["tmpdir"]] == own
    assert "/tmp is not private to an environment" in told
    assert list(shared_folder.iterdir()) == []


@needs_mounts
def test_code_that_lies_below_tmp_stays_in_sight_and_a_killed_endpoint_unmounts_all():
    """
    It is where TMPDIR says, and the environment's own /tmp comes over that.
    """
    before = mounts()
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as below,
        served(Path(below)) as (seen, process),
    ):
        process.kill()
        process.wait(20)

    assert seen["cwd"].startswith(below)
    assert "app.py" in seen["code"]
    assert seen["programs"] == ["say"]
    assert seen["writable"] == []
    assert seen["own"] == "/tmp"
    assert {"file"} < set(seen["tmp"])
    assert mounts() == before


def test_the_endpoints_own_folder_is_not_in_sight_below_tmp(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    with temporary_folders.temporary() as made:
        assert made.parent == Path("/var/tmp")


@pytest.mark.parametrize("start", ["fork", "fresh"])
@pytest.mark.parametrize("tmp", ["shared", pytest.param("private", marks=needs_mounts)])
def test_every_way_to_start_goes_with_every_tmp(deploy, monkeypatch, start, tmp):
    monkeypatch.setattr(zygote_control, "START", start)
    monkeypatch.setattr(zygote_control, "TMP", tmp)
    function = deploy(LOOK)
    seen = look(function)
    function.delete_function()
    eventually(lambda: not Path(seen["cwd"]).exists())

    assert (seen["own"] == "/tmp") == (tmp == "private")
    assert seen["cwd"].endswith("/task")
