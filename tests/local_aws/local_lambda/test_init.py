"""Inits that take long, fail or are killed: when they are stopped and repeated."""

import re
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import pytest

from local_aws.local_lambda.runtime import execution_environment
from local_aws.local_lambda.runtime.processes import process_stats

SLOW = "import time\ntime.sleep({})\ndef run(event, context): return event\n"


@pytest.fixture(autouse=True)
def _short_init(monkeypatch):
    monkeypatch.setattr(execution_environment, "INIT_S", 0.3)


def tail(function):
    answer = function.call(Payload=b"1", LogType="Tail")
    return answer["Payload"], b64decode(answer["LogResult"]).decode()


def test_a_slow_init_is_stopped_and_repeated_as_part_of_the_invocation(
    deploy, client_of
):
    function = deploy(SLOW.format(0.8), Timeout=5)
    payload, log = tail(function)
    _, later = tail(function)
    group = f"/aws/lambda/{function}"
    events = client_of("logs").filter_log_events(logGroupName=group)["events"]

    assert payload == b"1"
    assert float(re.search(r"\tDuration: ([\d.]+) ms", log)[1]) >= 800
    assert "Init Duration" not in log
    assert "Init Duration" not in later
    assert re.fullmatch(
        r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: timeout",
        events[0]["message"],
    )


def test_the_repeated_init_has_the_functions_timeout(deploy):
    function = deploy(SLOW.format(20), Timeout=1)
    began = time.monotonic()
    error, _ = function()

    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert 1.3 <= time.monotonic() - began < 15


def test_time_without_a_core_is_no_init_time(deploy, monkeypatch):
    """A thousand inits at once share this machine's cores; on AWS each has its own."""
    monkeypatch.setattr(process_stats, "core_wait_s", lambda _: 9.0)
    payload, log = tail(deploy(SLOW.format(0.6), Timeout=5))

    assert payload == b"1"
    assert float(re.search(r"\tInit Duration: ([\d.]+) ms", log)[1]) >= 600


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_how_long_a_process_waited_for_a_core_is_known():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as process:
        schedstat = Path(f"/proc/{process.pid}/schedstat")
        before = int(schedstat.read_text().split()[1])
        told = process_stats.core_wait_s(process.pid)
        after = int(schedstat.read_text().split()[1])
        process.stdin.close()

    assert before <= round(told * 1e9) <= after
