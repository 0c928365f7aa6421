"""The log of a function: in the tail of a response, and in CloudWatch Logs."""

import base64
import re

import pytest
from tests.support.lambda_api import eventually

REPORT = re.compile(
    r"REPORT RequestId: (?P<id>[0-9a-f-]{36})"
    r"\tDuration: (?P<duration>\d+\.\d\d) ms"
    r"\tBilled Duration: (?P<billed>\d+) ms"
    r"\tMemory Size: (?P<size>\d+) MB"
    r"\tMax Memory Used: (?P<used>\d+) MB"
    r"(\tInit Duration: (?P<init>\d+\.\d\d) ms)?"
    r"(\t|\tStatus: (?P<status>\w+)(\tError Type: (?P<kind>[\w.]+))?)\n"
)


def tail_of(function, payload=b"null"):
    """Invoke; return the answer, and the end of the log decoded."""
    answer = function.call(Payload=payload, LogType="Tail")
    return answer, base64.b64decode(answer["LogResult"]).decode()


def report_in(tail):
    found = REPORT.fullmatch(tail.splitlines(keepends=True)[-1])
    assert found, tail
    return found


@pytest.mark.fact("LocalStack test_invocation_with_logs, recorded 2025-11")
def test_the_tail_is_start_the_functions_lines_end_and_report(deploy):
    function = deploy("def run(event, context): print(event)\n", MemorySize=256)
    answer, tail = tail_of(function, b"{}")
    start, line, end, _ = tail.splitlines(keepends=True)
    report = report_in(tail)
    request_id = answer.request_id

    assert start == f"START RequestId: {request_id} Version: $LATEST\n"
    assert line == "{}\n"
    assert end == f"END RequestId: {request_id}\n"
    assert (report["id"], report["size"], report["status"]) == (request_id, "256", None)
    assert 0 < int(report["used"]) <= 256


@pytest.mark.fact(
    "LocalStack test_invocation_type_event_error, recorded 2025-11; AWS blog 2025-04, "
    "Lambda standardizes billing for INIT phase: from 2025-08-01"
)
def test_the_first_report_of_an_environment_has_its_init_which_is_billed(deploy):
    function = deploy("import time\ntime.sleep(0.3)\ndef run(event, context): pass\n")
    cold, warm = (report_in(tail_of(function)[1]) for _ in range(2))
    exact = float(cold["duration"]) + float(cold["init"])

    assert float(cold["init"]) >= 300
    assert exact <= int(cold["billed"]) < exact + 1.01  # all of it rounded up
    assert warm["init"] is None


NEW_STYLE = (
    "AWS docs lambda-runtime-environment, Failures during the invoke phase, new style"
)
IS_TIMEOUT = "DataBiosphere/azul#8140, 2026-06: the duration is the timeout"


@pytest.mark.parametrize(
    ("end", "timeout_s", "told"),
    [
        pytest.param(
            "time.sleep(9)",
            2,
            {"status": "timeout", "kind": None, "duration": "2000.00"},
            marks=pytest.mark.fact(f"{NEW_STYLE}; {IS_TIMEOUT}"),
        ),
        pytest.param(
            "os._exit(1)",
            30,
            {"status": "error", "kind": "Runtime.ExitError"},
            marks=pytest.mark.fact(NEW_STYLE),
        ),
    ],
)
def test_how_an_invocation_ended_stands_in_the_report(deploy, end, timeout_s, told):
    code = f"import os, time\ndef run(event, c): print('begun', flush=True); {end}\n"
    _, tail = tail_of(deploy(code, Timeout=timeout_s))
    _, line, end, _ = tail.splitlines()

    assert line == "begun"
    assert end.startswith("END RequestId: ")
    assert report_in(tail).groupdict().items() >= told.items()


@pytest.mark.fact(
    "AWS docs lambda-runtime-environment, Failures during the invoke phase: suppressed "
    "init, under the function's timeout"
)
def test_after_a_crash_the_init_counts_as_duration(deploy):
    function = deploy(
        "import os, time\n"
        "time.sleep(0.3)\n"
        "def run(event, context):\n"
        "    if event: os._exit(1)\n"
        "    return context.get_remaining_time_in_millis()\n",
        Timeout=9,
    )
    tail_of(function, b"1")
    answer, tail = tail_of(function, b"0")
    report = report_in(tail)

    assert report["init"] is None
    assert 0 < int(answer["Payload"]) <= 8_700
    assert float(report["duration"]) >= 300


@pytest.mark.fact(
    "LocalStack test_invocation_with_qualifier, recorded 2025-11; awslambdaric 4.2.2, "
    "bootstrap.py _setup_logging"
)
def test_logged_lines_have_level_moment_and_request_id(deploy):
    function = deploy(
        "import logging\n"
        "def run(event, context):\n"
        "    logging.getLogger().setLevel('INFO')\n"
        "    print('printed', end=' ')\n"
        "    logging.info('logged')\n"
    )
    answer, tail = tail_of(function)
    request_id = answer.request_id

    assert re.search(
        r"^printed \[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        rf"\t{request_id}\tlogged$",
        tail,
        re.MULTILINE,
    )


@pytest.mark.fact("LocalStack test_invocation_type_event_error, recorded 2025-11")
def test_a_traceback_is_several_lines_indented_with_hard_spaces(deploy):
    function = deploy("def run(event, context):\n    raise KeyError('k')\n")
    _, tail = tail_of(function)

    assert "[ERROR] KeyError: 'k'\nTraceback (most recent call last):\n" in tail
    assert "\n\u00a0\u00a0File " in tail


WARNED = pytest.mark.fact("awslambdaric 4.2.2, bootstrap.py: LAMBDA_WARNING")
KEPT = pytest.mark.fact("LocalStack test_lambda_too_large_response, recorded 2025-11")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        pytest.param("raise RuntimeError()\n", "LAMBDA_WARNING", marks=WARNED),
        pytest.param(
            "def run(event, c): print('before'); return 'x' * 7_000_000\n",
            "before",
            marks=KEPT,
        ),
    ],
)
def test_a_failed_import_is_warned_of_and_lines_before_an_oversize_answer_are_kept(
    lines_of, deploy, code, line
):
    function = deploy(code)
    function.call()

    assert eventually(
        lambda: [one for one in lines_of(function) if line in one], within_s=60
    )


@pytest.mark.fact("botocore lambda/2015-03-31, Invoke: the last 4 KB of the log")
def test_the_tail_is_four_kilobytes_at_most(deploy):
    function = deploy("def run(event, context): print('x' * 100_000)\n")
    answer, tail = tail_of(function)

    assert len(base64.b64decode(answer["LogResult"])) == 4096
    assert report_in(tail)


@pytest.mark.fact(
    "LocalStack transformer_utility.py: the pattern of log streams; AWS docs "
    "monitoring-cloudwatchlogs: /aws/lambda/NAME"
)
def test_all_of_it_is_in_cloudwatch_logs(client_of, lines_of, deploy):
    """On AWS it takes seconds to get there."""
    function = deploy("def run(event, context): print(f'got {event}')\n")
    for event in (b"0", b"1"):
        function.call(Payload=event)

    lines = eventually(
        lambda: (
            sum(line.startswith("REPORT") for line in lines_of(function)) == 2
            and lines_of(function)
        ),
        within_s=60,
        every_s=0.2,
    )
    streams = client_of("logs").describe_log_streams(
        logGroupName=f"/aws/lambda/{function}"
    )

    assert [line for line in lines if line.startswith("got")] == ["got 0", "got 1"]
    (stream,) = streams["logStreams"]
    assert re.fullmatch(
        r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream["logStreamName"]
    )
