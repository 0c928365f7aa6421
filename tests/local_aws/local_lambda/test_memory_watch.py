"""The memory limit of the local Lambda: whoever is over it, however briefly."""

import asyncio
import subprocess
import sys
import time

import pytest

from local_aws.local_lambda.runtime.processes import process_stats
from local_aws.local_lambda.runtime.processes.memory_watch import MemoryWatch, Watched

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="nothing limits memory on this system"
)

MB = 1_000_000
HOLDING = (
    "import subprocess, sys\n"
    "CODE = 'import sys, time; x = b\"x\" * int(sys.argv[1]);'\n"
    "CODE += 'print(flush=True); time.sleep(9)'\n"
    "def hold(size):\n"
    "    command = [sys.executable, '-c', CODE, str(size)]\n"
    "    child = subprocess.Popen(command, stdout=subprocess.PIPE)\n"
    "    child.stdout.readline()\n"
    "    return child\n"
)


@pytest.fixture
def _nobody_looks(monkeypatch):
    monkeypatch.setattr(process_stats, "resident_kb", lambda _: 0)


@pytest.fixture
def holder():
    """Start processes that hold so many bytes."""
    started = []

    def hold(size):
        scope = {}
        exec(HOLDING, scope)
        started.append(scope["hold"](size))
        return started[-1].pid

    yield hold
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_what_a_function_starts_counts_as_its_own(deploy):
    code = f"{HOLDING}import time\ndef run(size, c): hold(size); time.sleep(9)\n"
    error, kind = deploy(code, MemorySize=128, Timeout=20)(200 * MB)

    assert kind == "Unhandled"
    assert error["errorType"] == "Runtime.OutOfMemory"


@pytest.mark.usefixtures("_nobody_looks")
def test_memory_held_too_briefly_to_be_seen_counts_as_well(deploy):
    """On AWS such an invocation would not have come to its end."""
    function = deploy("def run(size, c): return len(b'x' * size)\n", MemorySize=128)
    before = function(1 * MB)
    error, _ = function(300 * MB)
    after = function(1 * MB)
    function.update(MemorySize=512)

    assert before == after == (1 * MB, None)
    assert error["errorType"] == "Runtime.OutOfMemory"
    assert function(300 * MB) == (300 * MB, None)


@pytest.mark.usefixtures("_nobody_looks")
@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 11)"])
def test_an_end_over_the_limit_is_out_of_memory_whatever_it_looks_like(deploy, end):
    code = f"import os\ndef run(size, c): b'x' * size; {end}\n"
    function = deploy(code, MemorySize=128)

    assert function(1 * MB)[0]["errorType"] == "Runtime.ExitError"
    assert function(300 * MB)[0]["errorType"] == "Runtime.OutOfMemory"


def test_an_import_that_takes_too_much_is_stopped(deploy):
    code = "import time\nheld = b'x' * 300_000_000\ntime.sleep(30)\n"
    began = time.monotonic()
    error, _ = deploy(code, MemorySize=128)()

    assert error["errorType"] == "Runtime.OutOfMemory"
    assert time.monotonic() - began < 10


def test_the_memory_of_a_process_is_what_it_and_its_children_hold(holder):
    assert 50 * MB < process_stats.resident_kb(holder(50 * MB)) * 1024 < 80 * MB


def test_a_process_that_is_gone_has_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

        assert process_stats.resident_kb(process.pid) == 0
        assert process_stats.peak_kb(process.pid) == 0


def test_everybody_is_looked_at_in_turn(holder):
    """A thousand at work must not hide the one that is over its limit."""
    pid = holder(50 * MB)
    caught = []

    async def watch():
        found = asyncio.Event()

        def catch():
            caught.append(greedy)
            found.set()

        watch = MemoryWatch()
        modest = [Watched(pid, 10**9, found.set) for _ in range(300)]
        greedy = Watched(pid, 40_000, catch)
        for watched in [*modest, greedy]:
            watch.add(watched)
        async with asyncio.timeout(10):
            await found.wait()
        assert all(watched.peak_kb for watched in modest)
        watch.stop()

    asyncio.run(watch())

    assert len(caught) == 1
    assert caught[0].peak_kb > 40_000
