"""REPORT lines: what Lambda bills for an invocation."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.deploy.deployment import FunctionSpec, deploy
from rollout.invoke.report_line import billed_in

# Recorded on AWS: LocalStack's snapshot of test_invocation_with_logs, 2025-11.
COLD = (
    b"START RequestId: 1 Version: $LATEST\n{}\nEND RequestId: 1\n"
    b"REPORT RequestId: 1\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"
    b"Memory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n"
)
TIMED_OUT = (
    b"2026-11-24T00:00:00.000Z 1 Task timed out after 3.00 seconds\n\n"
    b"REPORT RequestId: 1\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\t"
    b"Memory Size: 512 MB\tMax Memory Used: 40 MB\tStatus: timeout\n"
)


@pytest.mark.parametrize(
    ("log", "billed"),
    [
        (COLD, (0.114, 128, 0.1101)),
        (COLD.replace(b"Billed Duration: 4 ms", b"Billed Duration: 114 ms"), None),
        (TIMED_OUT, (3.0, 512, 0.0)),
    ],
)
def test_what_is_billed_is_read_from_the_report_line(log, billed):
    """Init is billed, whether the line counts it in or not."""
    assert billed_in(log) == (billed or (0.114, 128, 0.1101))


@pytest.mark.parametrize("log", [b"", COLD[:100], b"REPORT RequestId: 1\tnothing\n"])
def test_a_log_without_a_report_tells_nothing(log):
    """The end of a long log is cut off at 4 kB, in front; a REPORT is its last line."""
    assert billed_in(log) is None


def test_what_the_function_prints_is_not_taken_for_lambdas_word():
    forged = COLD.replace(b"Billed Duration: 4 ms", b"Billed Duration: 1 ms")

    assert billed_in(forged + TIMED_OUT).seconds == 3.0


@given(st.binary(max_size=300))
def test_whatever_a_function_logs_the_report_is_found(log):
    assert billed_in(log + b"\n" + COLD) == billed_in(COLD)


def test_an_answer_of_the_local_lambda_says_what_it_would_bill(
    target, function_name, zip_of
):
    """The first invocation is billed for its init too."""
    code = zip_of("import time\ndef handler(event, context):\n    time.sleep(event)\n")
    spec = FunctionSpec(name=function_name, handler="main.handler", memory_mb=256)
    deploy(target, spec, code=code)
    client = target.client("lambda")

    def billed():
        answer = client.invoke(
            FunctionName=function_name, LogType="Tail", Payload=json.dumps(0.05)
        )

        return billed_in(base64.b64decode(answer["LogResult"]))

    first, second = billed(), billed()
    assert (first.memory_mb, second.memory_mb) == (256, 256)
    assert first.init_s > 0
    assert first.seconds >= 0.05 + first.init_s
    assert second.init_s == 0
    assert second.seconds >= 0.05
