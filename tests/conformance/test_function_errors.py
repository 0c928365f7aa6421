"""Functions that fail: HTTP 200, ``X-Amz-Function-Error: Unhandled``, and why."""

import json
import re
import time
from pathlib import Path

import pytest
import yaml

BY_THE_RUNTIME = ["errorMessage", "errorType", "requestId", "stackTrace"]
BY_LAMBDA = ["errorType", "errorMessage"]
TABLE = yaml.safe_load(Path(__file__).with_name("failures.yaml").read_text())


def rows():
    for source, errors in TABLE.items():
        for error, texts in errors.items():
            for text, (handler, code) in texts.items():
                yield pytest.param(
                    *(error, text, handler, code),
                    id=f"{error}: {text}",
                    marks=pytest.mark.fact(source),
                )


@pytest.mark.parametrize(("error", "text", "handler", "code"), list(rows()))
def test_a_function_that_fails_says_why(deploy, error, text, handler, code):
    function = deploy(code, Handler=handler)
    for _ in range(2):  # whatever failed is tried again
        answer = function.call()
        failure = json.loads(answer["Payload"])
        request_id = answer.request_id
        keys = BY_LAMBDA if error == "Runtime.ExitError" else BY_THE_RUNTIME
        expected = text.replace("<id>", request_id)
        pattern = ".*".join(map(re.escape, expected.split("...")))

        assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
        assert answer["FunctionError"] == "Unhandled"
        assert list(failure) == keys
        assert failure["errorType"] == error
        assert re.fullmatch(pattern, failure["errorMessage"])
        assert error != "Runtime.MarshalError" or failure["stackTrace"] == []
        # What fails before it is invoked does not know of the invocation.
        is_invoked = error in ("ValueError", "Runtime.MarshalError")
        assert failure.get("requestId", "") == (request_id if is_invoked else "")


@pytest.mark.fact("LocalStack test_lambda_handler_error, recorded 2025-11")
def test_an_exception_is_reported_as_python_saw_it_with_the_request_id(deploy):
    function = deploy("def run(event, context):\n    raise ValueError('no')\n")
    answer = function.call()
    error, kind = json.loads(answer["Payload"]), answer["FunctionError"]

    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert kind == "Unhandled"
    assert list(error) == BY_THE_RUNTIME
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no")
    assert error["requestId"] == answer.request_id
    (frame,) = error["stackTrace"]
    assert frame.startswith('  File "')
    assert frame.endswith("app.py\", line 2, in run\n    raise ValueError('no')\n")


@pytest.mark.fact("awslambdaric 4.2.2, bootstrap.py: one process runs until it ends")
def test_a_function_lives_on_after_an_exception(deploy):
    function = deploy(
        "count = 0\n"
        "def run(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    if event: raise ValueError('no')\n"
        "    return count\n"
    )
    function(1)

    assert function(0) == (2, None)


@pytest.mark.fact("LocalStack test_lambda_runtime_error, recorded 2025-11")
def test_an_exception_while_importing_has_no_request_id(deploy):
    function = deploy("raise RuntimeError('early')\n")
    error, kind = function()

    assert kind == "Unhandled"
    assert list(error) == BY_THE_RUNTIME
    assert (error["errorType"], error["errorMessage"]) == ("RuntimeError", "early")
    assert error["requestId"] == ""
    assert "in import_module" in error["stackTrace"][0]
    assert "in <module>" in error["stackTrace"][-1]


@pytest.mark.fact("LocalStack test_lambda_invoke_with_timeout, recorded 2025-11")
def test_a_function_is_killed_at_its_timeout(deploy):
    function = deploy("import time\ndef run(event, c): time.sleep(event)\n", Timeout=1)
    function(0)
    began = time.monotonic()
    error, kind = function(30)
    took = time.monotonic() - began

    assert kind == "Unhandled"
    assert list(error) == BY_LAMBDA
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].startswith("RequestId: ")
    assert error["errorMessage"].endswith(" Error: Task timed out after 1.00 seconds")
    assert 1 <= took < 15


@pytest.mark.fact(
    "LocalStack test_lambda_invoke_timed_out_environment_reuse, recorded 2024-04"
)
@pytest.mark.parametrize(
    ("end", "timeout_s"), [("time.sleep(30)", 2), ("os._exit(1)", 30)]
)
def test_after_a_timeout_or_exit_memory_is_new_and_tmp_stays(deploy, end, timeout_s):
    """The process is replaced, not the environment's disk."""
    function = deploy(
        "import os, tempfile, time, pathlib\n"
        "memory = []\n"
        "file = pathlib.Path(tempfile.gettempdir(), 'kept')\n"
        "def run(event, context):\n"
        "    memory.append(1); seen = file.exists(); file.touch()\n"
        f"    if event: {end}\n"
        "    return [len(memory), seen]\n",
        Timeout=timeout_s,
    )
    _, kind = function(1)

    assert kind == "Unhandled"
    assert function(0) == ([1, True], None)


@pytest.mark.fact(
    "LocalStack test_lambda_too_large_response, recorded 2025-11; "
    "aws-lambda-runtime-interface-emulator, interop/model.go MaxPayloadSize"
)
def test_an_answer_over_the_limit_is_refused_and_one_at_it_passes(deploy):
    function = deploy("def run(event, context): return 'x' * event\n")
    most = 6_291_556 - len('""')

    error, kind = function(most + 1)
    fits, _ = function(most)

    assert kind == "Unhandled"
    assert sorted(error) == ["errorMessage", "errorType"]
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert error["errorMessage"] == (
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    )
    assert len(fits) == most
    assert len(function(50_000_000)[0]["errorMessage"]) < 200
    assert function(1) == ("x", None)
