"""An environment's memory, /tmp, code and init, and what happens at their limits."""

import json
import re
import sys
from base64 import b64decode

import pytest
from tests.support.tmp_mounts import is_permitted

OUT_OF_MEMORY = (
    "adobe/helix-html2md-service#1001 (2026-07), nasa-gcn/gcn.nasa.gov#3628 (2026-06): "
    "the type, the text and the REPORT"
)
READ_ONLY = (
    "sachin-sankar/swiftshadow#17 (2023-05), crewAIInc/crewAI#2002 (2025-01): Errno 30"
)
TMP = "AWS docs configuration-ephemeral-storage"

HOLD = (
    "held = []\n"
    "def run(event, context):\n"
    "    print('begun')\n"
    "    for _ in range(event): held.append(b'x' * 1_000_000)\n"
    "    return len(held)\n"
)
FILL = (
    "import os\n"
    "def run(event, context):\n"
    "    with open('/tmp/file', 'wb') as file:\n"
    "        os.posix_fallocate(file.fileno(), 0, event * 1_000_000)\n"
    "    return os.path.getsize('/tmp/file')\n"
)


@pytest.fixture
def _own_tmp(on_aws):
    if not on_aws and not is_permitted():
        pytest.skip("this system does not let environments have a /tmp of their own")


@pytest.fixture
def _limited_memory(on_aws):
    if not on_aws and sys.platform != "linux":
        pytest.skip("nothing limits memory on this system")


@pytest.mark.fact(OUT_OF_MEMORY)
@pytest.mark.usefixtures("_limited_memory")
def test_a_function_is_killed_at_its_memory_and_replaced(deploy):
    function = deploy(HOLD, MemorySize=128, Timeout=30)
    fits, _ = function(1)
    answer = function.call(Payload=b"1000", LogType="Tail")
    request_id = answer.request_id
    error = json.loads(answer["Payload"])
    begun, end, report = b64decode(answer["LogResult"]).decode().split("\n")[-4:-1]
    after, _ = function(1)
    killed = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"

    assert fits == 1
    assert answer["FunctionError"] == "Unhandled"
    assert list(error.items()) == [
        ("errorType", "Runtime.OutOfMemory"),
        ("errorMessage", killed),
    ]
    assert begun == "begun"
    assert end == f"END RequestId: {request_id}"
    assert "\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t" in report
    assert report.endswith("Status: error\tError Type: Runtime.OutOfMemory")
    assert after == 1


@pytest.mark.fact(TMP)
@pytest.mark.usefixtures("_own_tmp")
def test_tmp_has_the_configured_size(deploy):
    function = deploy(FILL, EphemeralStorage={"Size": 600}, Timeout=30)
    fits = function(550)
    error, kind = function(700)

    assert fits == (550_000_000, None)
    assert kind == "Unhandled"
    assert error["errorType"] == "OSError"
    assert error["errorMessage"] == "[Errno 28] No space left on device"


@pytest.mark.fact(f"{TMP}: it is unique to each environment")
@pytest.mark.usefixtures("_own_tmp")
def test_each_environment_has_a_tmp_of_its_own(deploy, meeting):
    code, event_for = meeting
    look = (
        "def look(event, context):\n"
        "    seen = os.path.exists('/tmp/own')\n"
        "    open('/tmp/own', 'w').close()\n"
        "    run(event, context)\n"
        "    return seen\n"
    )
    function = deploy(code + look, Handler="app.look", Timeout=30)

    assert function.at_once([event_for(3)] * 3) == [(False, None)] * 3
    assert function(event_for(1)) == (True, None)


@pytest.mark.fact(READ_ONLY)
@pytest.mark.usefixtures("_own_tmp")
def test_the_code_cannot_be_written_to(deploy):
    function = deploy("def run(event, context): open(event, 'w')\n")
    for path in ("new", "app.py"):
        error, kind = function(path)

        assert kind == "Unhandled"
        assert error["errorType"] == "OSError"
        assert error["errorMessage"] == f"[Errno 30] Read-only file system: '{path}'"


@pytest.mark.soak
@pytest.mark.fact(
    "AWS docs lambda-runtime-environment: an init is stopped at 10 s and repeated with "
    "the first invocation, under the function's timeout"
)
def test_an_init_of_more_than_ten_seconds_is_repeated_in_the_invocation(
    deploy, lines_of
):
    code = "import time\ntime.sleep(12)\ndef run(event, context): return event\n"
    function = deploy(code, Timeout=30)
    answer = function.call(Payload=b"1", LogType="Tail")
    report = b64decode(answer["LogResult"]).decode()

    assert answer["Payload"] == b"1"
    assert float(re.search(r"\tDuration: ([\d.]+) ms", report)[1]) >= 12_000
    assert "Init Duration" not in report
    assert any(
        re.fullmatch(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\t.*", line)
        for line in lines_of(function)
    )
