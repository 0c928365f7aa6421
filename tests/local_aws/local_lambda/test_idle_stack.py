"""Environments that nobody needs: who waits, in which order, and for how long."""

import contextlib

import psutil
import pytest
from tests.support.child_processes import alive
from tests.support.lambda_api import connect, eventually, running
from tests.support.lambda_functions import MEET, SLEEP
from tests.support.tmp_mounts import is_permitted

from local_aws.local_lambda.runtime.processes import zygote_control

TELL = (
    "import os, pathlib, tempfile, time\n"
    "def run(event, context):\n"
    "    file = pathlib.Path(tempfile.gettempdir(), 'file')\n"
    "    seen = file.exists()\n"
    "    file.touch()\n"
    "    time.sleep(event)\n"
    "    return {'pid': os.getpid(), 'zygote': os.getppid(), 'seen': seen,\n"
    "            'stream': context.log_stream_name}\n"
)


@pytest.fixture(scope="module")
def client():
    with running(keep_idle_s=2) as aws, contextlib.closing(connect(aws)) as client:
        yield client


@pytest.mark.parametrize(
    "tmp",
    [
        "shared",
        pytest.param(
            "private",
            marks=pytest.mark.skipif(not is_permitted(), reason="we may not mount"),
        ),
    ],
)
def test_an_idle_environment_leaves_with_all_it_had(deploy, monkeypatch, tmp):
    monkeypatch.setattr(zygote_control, "TMP", tmp)
    function = deploy(TELL, Timeout=10)
    first, _ = function(0)
    again, _ = function(0)
    zygote = psutil.Process(first["zygote"])
    before = zygote.num_fds()
    eventually(lambda: not alive(first["pid"]))
    eventually(lambda: zygote.num_fds() == before - (tmp == "private"))
    other, _ = function(0)

    assert again["pid"] == first["pid"]
    assert again["seen"]
    assert other["pid"] != first["pid"]
    assert other["stream"] != first["stream"]
    assert not other["seen"]


def test_an_environment_at_work_stays(deploy):
    """It works for longer than an idle one is kept."""
    function = deploy(SLEEP, Timeout=10)
    pid, _ = function(0)

    assert function(2.3) == (pid, None)


def test_only_those_that_are_not_needed_leave(deploy, shared_folder):
    function = deploy(MEET, Timeout=30)
    pids = {*function.meet(shared_folder / "met", 3)}
    used = set()

    def others_are_gone():
        used.update(function.meet(shared_folder / "met", 1))
        return sum(map(alive, pids)) == 1

    eventually(others_are_gone)

    assert len(pids) == 3
    assert len(used) == 1
