"""Inits that take long, fail or are killed: when they are stopped and repeated."""

import re
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import pytest
from tests.support.lambda_api import call, connect, create, invoke, running

from local_aws.local_lambda.runtime import environment
from local_aws.local_lambda.runtime.processes import process_stats

SLOW = "import time\ntime.sleep({})\ndef run(event, context): return event\n"


@pytest.fixture(scope="module")
def aws():
    with running() as aws:
        yield aws


@pytest.fixture
def client(aws, monkeypatch):
    monkeypatch.setattr(environment, "INIT_S", 0.3)
    client = connect(aws)
    yield client
    client.delete_function(FunctionName="slow")
    client.close()


def tail(client):
    answer = call(client, "slow", Payload=b"1", LogType="Tail")
    return answer["Payload"], b64decode(answer["LogResult"]).decode()


def test_a_slow_init_is_stopped_and_repeated_as_part_of_the_invocation(client, aws):
    create(client, "slow", SLOW.format(0.8), Timeout=5)
    payload, log = tail(client)
    _, later = tail(client)
    logs = connect(aws, "logs")
    events = logs.filter_log_events(logGroupName="/aws/lambda/slow")["events"]
    logs.close()

    assert payload == b"1"
    assert 800 <= float(re.search(r"\tDuration: ([\d.]+) ms", log)[1]) < 3000
    assert "Init Duration" not in log
    assert "Init Duration" not in later
    assert re.fullmatch(
        r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: timeout",
        events[0]["message"],
    )


def test_the_repeated_init_has_the_functions_timeout(client):
    create(client, "slow", SLOW.format(20), Timeout=1)
    began = time.monotonic()
    error, _ = invoke(client, "slow")

    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert 1.3 <= time.monotonic() - began < 5


def test_time_without_a_core_is_no_init_time(client, monkeypatch):
    """A thousand inits at once share this machine's cores; on AWS each has its own."""
    monkeypatch.setattr(process_stats, "core_wait_s", lambda _: 9.0)
    create(client, "slow", SLOW.format(0.6), Timeout=5)
    payload, log = tail(client)

    assert payload == b"1"
    assert float(re.search(r"\tInit Duration: ([\d.]+) ms", log)[1]) >= 600


def test_the_init_after_a_crash_is_part_of_the_next_invocation(client):
    """
    AWS calls it suppressed: the function's timeout is its limit, no REPORT tells it.
    """
    create(
        client,
        "slow",
        "import os, pathlib, tempfile, time\n"
        "mark = pathlib.Path(tempfile.gettempdir(), 'crashed')\n"
        "if mark.exists(): time.sleep(0.6)\n"
        "def run(event, context):\n"
        "    if event == 'crash':\n"
        "        mark.touch()\n"
        "        os._exit(1)\n"
        "    return [event, context.get_remaining_time_in_millis()]\n",
        Timeout=2,
    )
    crash, _ = invoke(client, "slow", "crash")
    payload, log = tail(client)

    assert crash["errorType"] == "Runtime.ExitError"
    assert payload.startswith(b"[1, 1")  # 2 s, less the init
    assert "Init Duration" not in log
    assert float(re.search(r"\tDuration: ([\d.]+) ms", log)[1]) >= 600


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_how_long_a_process_waited_for_a_core_is_known():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as process:
        schedstat = Path(f"/proc/{process.pid}/schedstat")
        before = int(schedstat.read_text().split()[1])
        told = process_stats.core_wait_s(process.pid)
        after = int(schedstat.read_text().split()[1])
        process.stdin.close()

    assert before <= round(told * 1e9) <= after
