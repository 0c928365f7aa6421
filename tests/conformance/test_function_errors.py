"""Functions that fail: HTTP 200, ``X-Amz-Function-Error: Unhandled``, and why."""

import json
import time

import pytest

BY_THE_RUNTIME = ["errorMessage", "errorType", "requestId", "stackTrace"]
BY_LAMBDA = ["errorType", "errorMessage"]

EXITS = (
    "import os, sys\n"
    "def run(event, context):\n"
    "    if event: {line}\n"
    "    return os.getpid()\n"
)


@pytest.mark.fact("LocalStack test_lambda_handler_error, recorded 2025-11")
def test_an_exception_is_reported_as_python_saw_it_with_the_request_id(deploy):
    function = deploy("def run(event, context):\n    raise ValueError('no')\n")
    answer = function.call()
    error, kind = json.loads(answer["Payload"]), answer["FunctionError"]

    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert kind == "Unhandled"
    assert list(error) == BY_THE_RUNTIME
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no")
    assert error["requestId"] == answer["ResponseMetadata"]["RequestId"]
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


@pytest.mark.fact("awslambdaric 4.2.2, bootstrap.py _get_handler")
@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        (
            "import nothing_like_it\n",
            "app.run",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nothing_like_it'",
        ),
        (
            "def other(): pass\n",
            "app.run",
            "Runtime.HandlerNotFound",
            "Handler 'run' missing on module 'app'",
        ),
        (
            "def run(:\n",
            "app.run",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app': ",
        ),
        (
            "def run(event, context): pass\n",
            "app",
            "Runtime.MalformedHandlerName",
            "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        ),
        (
            "def run(event, context): pass\n",
            "sys.exit",
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module sys as a handler module",
        ),
    ],
    ids=lambda value: value if str(value).startswith("Runtime.") else "",
)
def test_code_that_cannot_be_loaded_says_why(deploy, code, handler, kind, message):
    function = deploy(code, Handler=handler)
    for _ in range(2):
        error, function_error = function()

        assert function_error == "Unhandled"
        assert error["errorType"] == kind
        assert error["errorMessage"].startswith(message)
        assert error["requestId"] == ""


@pytest.mark.fact("awslambdaric 4.2.2, lambda_runtime_marshaller.py and bootstrap.py")
def test_a_result_that_is_not_json_is_the_functions_failure(deploy):
    answer, kind = deploy("def run(event, context): return {1}\n")()

    assert kind == "Unhandled"
    assert answer["errorType"] == "Runtime.MarshalError"
    assert answer["errorMessage"] == (
        "Unable to marshal response: Object of type set is not JSON serializable"
    )
    assert answer["requestId"] != ""
    assert answer["stackTrace"] == []


EXIT = pytest.mark.fact("LocalStack test_lambda_handler_exit, recorded 2025-11")
EXIT_STATUS = pytest.mark.fact(
    "LocalStack test_lambda_runtime_wrapper_not_found, recorded 2025-11 (status 127); "
    "aws-lambda-runtime-interface-emulator, rapid/handlers.go watchEvents"
)
AT_IMPORT = pytest.mark.fact("LocalStack test_lambda_runtime_exit, recorded 2025-11")
SIGNAL = pytest.mark.fact(
    "DataBiosphere/azul#3485: the text; awslabs/aws-lambda-cpp#30"
)


@pytest.mark.parametrize(
    ("code", "end"),
    [
        pytest.param(
            EXITS.format(line="sys.exit(0)"), "without providing a reason", marks=EXIT
        ),
        pytest.param(
            "import sys\nsys.exit(0)\n", "without providing a reason", marks=AT_IMPORT
        ),
        pytest.param(
            "import sys\nsys.exit(7)\n", "with error: exit status 7", marks=EXIT_STATUS
        ),
        pytest.param(
            EXITS.format(line="os._exit(7)"),
            "with error: exit status 7",
            marks=EXIT_STATUS,
        ),
        pytest.param(
            EXITS.format(line="os.kill(os.getpid(), 9)"),
            "with error: signal: killed",
            marks=SIGNAL,
        ),
    ],
)
def test_the_way_a_process_ended_is_told(deploy, code, end):
    answer = deploy(code).call(Payload=b"1")
    error = json.loads(answer["Payload"])

    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["FunctionError"] == "Unhandled"
    assert list(error) == BY_LAMBDA
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].startswith("RequestId: ")
    assert error["errorMessage"].endswith(f" Error: Runtime exited {end}")


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
    assert 1 <= took < 5


@pytest.mark.fact(
    "LocalStack test_lambda_invoke_timed_out_environment_reuse, recorded 2024-04"
)
@pytest.mark.parametrize("end", ["time.sleep(30)", "os._exit(1)"])
def test_after_a_timeout_or_exit_memory_is_new_and_tmp_stays(deploy, end):
    """The process is replaced, not the environment's disk."""
    function = deploy(
        "import os, tempfile, time, pathlib\n"
        "memory = []\n"
        "file = pathlib.Path(tempfile.gettempdir(), 'kept')\n"
        "def run(event, context):\n"
        "    memory.append(1); seen = file.exists(); file.touch()\n"
        f"    if event: {end}\n"
        "    return [len(memory), seen]\n",
        Timeout=1,
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
