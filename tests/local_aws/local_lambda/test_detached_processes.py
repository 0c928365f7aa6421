"""Processes that a function detaches: none outlives its environment."""

import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from tests.support.child_processes import alive, any_alive
from tests.support.lambda_api import eventually
from tests.support.lambda_functions import DETACH
from tests.support.tmp_mounts import is_permitted

from local_aws.local_lambda.runtime.processes import zygote_control

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux gives orphans to whom we choose"
)


def detach(function, file, end="pass"):
    function({"file": str(file), "end": end})
    return list(map(int, file.read_text().split()))


@pytest.mark.parametrize(
    ("end", "timeout_s"), [("time.sleep(30)", 3), ("os._exit(1)", 30)]
)
def test_what_was_detached_ends_with_its_environment(
    deploy, shared_folder, end, timeout_s
):
    pids = detach(deploy(DETACH, Timeout=timeout_s), shared_folder / "pids", end)

    eventually(lambda: not any_alive(pids))


@pytest.mark.parametrize("tmp", ["private", "shared"])
def test_what_was_detached_ends_with_the_function(
    deploy, shared_folder, monkeypatch, tmp
):
    monkeypatch.setattr(zygote_control, "TMP", tmp)
    function = deploy(DETACH)
    pids = detach(function, shared_folder / "pids")
    lived = all(map(alive, pids))
    function.delete_function()

    assert lived
    eventually(lambda: not any_alive(pids))


def test_a_parent_that_takes_long_to_end_is_not_killed_before_it_has_ended_them(
    deploy, shared_folder, monkeypatch
):
    monkeypatch.setattr(zygote_control, "_PATIENCE_IMPORTING_S", 0.05)
    function = deploy(DETACH)
    pids = detach(function, shared_folder / "pids")
    environment, _ = function(None)
    zygote = psutil.Process(environment).parent()
    with ThreadPoolExecutor(1) as thread:
        zygote.suspend()
        deleting = thread.submit(function.delete_function)
        with contextlib.suppress(TimeoutError):
            deleting.result(0.2)
        with contextlib.suppress(psutil.NoSuchProcess):
            zygote.resume()
        deleting.result()

    eventually(lambda: not any_alive(pids))


@pytest.mark.skipif(not is_permitted(), reason="this system does not let us mount")
def test_what_another_environment_detached_lives_on(deploy, shared_folder):
    kept = detach(deploy(DETACH), shared_folder / "kept")
    function = deploy(DETACH.replace("if not event", "if event == 1"), Timeout=30)
    slow, gate = shared_folder / "slow", shared_folder / "gate"
    wait = f"while not os.path.exists({str(gate)!r}): time.sleep(0.005)"
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(detach, function, slow, wait)
        eventually(lambda: slow.exists() and len(slow.read_text().split()) == 2)
        ended = detach(function, shared_folder / "ended", "os._exit(1)")
        eventually(lambda: not any_alive(ended))
        others = [*kept, *map(int, slow.read_text().split())]
        lived = all(map(alive, others))
        gate.touch()
        running.result()

    assert lived
