"""Processes that a function detaches: none outlives its environment."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.child_processes import alive
from tests.support.lambda_api import connect, create, eventually, invoke, running
from tests.support.tmp_mounts import is_permitted

from local_aws.local_lambda.runtime.processes import zygote_control

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux gives orphans to whom we choose"
)

# The shell is detached, and so is what it started when that is killed.
DETACH = (
    "import os, subprocess, time\n"
    "def run(event, context):\n"
    "    if not event: return os.getpid()\n"
    "    shell = subprocess.Popen(['sh', '-c', 'sleep 1000 & echo $!; wait'],\n"
    "        start_new_session=True, stdout=subprocess.PIPE, text=True)\n"
    "    pids = [shell.pid, int(shell.stdout.readline())]\n"
    "    open(event['file'], 'w').write(' '.join(map(str, pids)))\n"
    "    exec(event['end'])\n"
)


def detach(client, name, file, end="pass"):
    invoke(client, name, {"file": str(file), "end": end})
    return list(map(int, file.read_text().split()))


def any_alive(pids):
    return any(map(alive, pids))


@pytest.mark.parametrize("end", ["time.sleep(30)", "os._exit(1)"])
def test_what_was_detached_ends_with_its_environment(
    client, deploy, shared_folder, end
):
    pids = detach(client, deploy(DETACH, Timeout=1), shared_folder / "pids", end)

    eventually(lambda: not any_alive(pids))


@pytest.mark.parametrize("tmp", ["private", "shared"])
def test_what_was_detached_ends_with_the_function(
    client, deploy, shared_folder, monkeypatch, tmp
):
    monkeypatch.setattr(zygote_control, "TMP", tmp)
    name = deploy(DETACH)
    pids = detach(client, name, shared_folder / "pids")
    lived = all(map(alive, pids))
    client.delete_function(FunctionName=name)

    assert lived
    eventually(lambda: not any_alive(pids))


def test_what_was_detached_ends_with_the_endpoint(shared_folder):
    with running() as aws:
        client = connect(aws)
        create(client, "f", DETACH)
        pids = detach(client, "f", shared_folder / "pids")
        lived = all(map(alive, pids))
        client.close()

    assert lived
    assert not any_alive(pids)


@pytest.mark.skipif(not is_permitted(), reason="this system does not let us mount")
def test_what_another_environment_detached_lives_on(client, deploy, shared_folder):
    kept = detach(client, deploy(DETACH), shared_folder / "kept")
    name = deploy(DETACH.replace("if not event", "if event == 1"))
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(
            detach, client, name, shared_folder / "slow", "time.sleep(1.5)"
        )
        eventually((shared_folder / "slow").exists)
        ended = detach(client, name, shared_folder / "ended", "os._exit(1)")
        eventually(lambda: not any_alive(ended))
        others = [*kept, *slow.result()]

    assert all(map(alive, others))
