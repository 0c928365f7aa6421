"""Environments: which process serves whom, what it has, and when it ends."""

import os
import resource
import sys
from pathlib import Path

import psutil
import pytest
from tests.support.child_processes import alive, environments_of, those_alive
from tests.support.lambda_api import eventually
from tests.support.lambda_functions import ECHO, GATE, MEET

from local_aws.local_lambda.runtime.execution_environment import Environment
from local_aws.local_lambda.runtime.processes import zygote_control


def test_what_a_function_started_ends_with_its_environment(deploy):
    function = deploy(
        "import subprocess, os\n"
        "def run(event, context):\n"
        "    if event: os._exit(1)\n"
        "    return subprocess.Popen(['sleep', '1000']).pid\n"
    )
    pid, _ = function()
    function(1)

    eventually(lambda: not alive(pid))


def test_an_environment_has_our_interpreter_and_endpoint_and_no_variable_of_ours(
    aws, deploy, monkeypatch
):
    monkeypatch.setenv("AWS_PROFILE", "secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    function = deploy(
        "import os, sys\n"
        "def run(event, context): return [sys.executable, dict(os.environ)]\n",
        Runtime="python3.9",
        Environment={"Variables": {"AWS_XRAY_CONTEXT_MISSING": "IGNORE_ERROR"}},
    )
    (interpreter, variables), _ = function()

    assert not {"AWS_PROFILE", "SOME_TOKEN"} & variables.keys()
    assert variables["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert variables["AWS_XRAY_CONTEXT_MISSING"] == "IGNORE_ERROR"  # not reserved
    assert Path(interpreter).samefile(sys.executable)


def test_libraries_are_imported_once_and_the_handler_in_each_environment(
    deploy, shared_folder
):
    """
    Shared module state would give every environment the same random numbers. A
    function shown by GetFunction starts at once: imports are no part of what is timed.
    """
    pid_at_import = "import os\npid = os.getpid()\n"
    imported = shared_folder / "imported"
    metadata = "Metadata-Version: 2.1\nName: lib\nVersion: 1\n"
    function = deploy(
        {
            "lib/__init__.py": f"{pid_at_import}open({str(imported)!r}, 'w').close()\n",
            "lib-1.dist-info/METADATA": metadata,
            "lib-1.dist-info/RECORD": "lib/__init__.py,,\nlib-1.dist-info/METADATA,,\n",
            "broken/__init__.py": "raise SystemExit('not here')\n",
            "broken-1.dist-info/METADATA": metadata.replace("lib", "broken"),
            "broken-1.dist-info/RECORD": "broken/__init__.py,,\n",
            "app.py": f"{MEET}{pid_at_import}import lib\n"
            "def tell(event, context): return [run(event, context), pid, lib.pid]\n",
        },
        Handler="app.tell",
        Timeout=30,
    )
    function.get_function()
    assert imported.exists()
    answers = function.meet(shared_folder / "met", 3)

    assert len({own for own, _, _ in answers}) == 3
    assert all(own == handlers for own, handlers, _ in answers)
    assert len({librarys for _, _, librarys in answers}) == 1


def test_environments_can_be_fresh_processes_where_forking_is_unsafe(
    deploy, monkeypatch
):
    """
    Whoever knows an environment's name could answer for it; ``ps`` shows all arguments
    to everybody.
    """
    monkeypatch.setattr(zygote_control, "START", "fresh")
    function = deploy(
        "import os, sys\n"
        "def run(event, context):\n"
        "    if event: os._exit(event)\n"
        "    return [os.getpid(), sys.stdin.read()]\n"
    )
    (pid, stdin), error = function()
    arguments = psutil.Process(pid).cmdline()
    killed, _ = function(5)

    assert (stdin, error) == ("", None)
    assert arguments[-1].endswith("environment_main.py")
    assert killed["errorMessage"].endswith("exit status 5")
    assert function()[1] is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has prlimit")
def test_an_environment_that_cannot_be_started_ends_no_other(deploy, busy, capfd):
    """A machine may have no descriptor, process or memory left for one more."""
    function = deploy(GATE, Timeout=30)
    with busy(function) as running:
        (child,) = those_alive(
            environments_of(os.getpid()),
            lambda one: one.environ().get("AWS_LAMBDA_FUNCTION_NAME") == function,
        )
        limit = child.ppid(), resource.RLIMIT_NOFILE
        before = resource.prlimit(*limit)
        resource.prlimit(*limit, (0, before[1]))
        failed, _ = function("not started")
        resource.prlimit(*limit, before)
    _, error = running.result()

    assert error is None
    assert failed["errorType"] == "Runtime.ExitError"
    assert "could not be started: [Errno 24]" in capfd.readouterr().err


def test_a_report_that_cannot_be_handled_costs_no_later_one(deploy, monkeypatch):
    """Else no exit of the version's processes would be seen any more."""

    def fail(*_):
        monkeypatch.undo()
        raise RuntimeError

    function = deploy("import os\ndef run(event, context): os._exit(event)\n")
    monkeypatch.setattr(Environment, "started", fail)
    ended = [function(status)[0]["errorMessage"][-1] for status in (3, 4)]

    assert ended == ["3", "4"]


@pytest.mark.parametrize("change", ["new code", "deletion"])
def test_an_old_process_ends_with_its_last_call(deploy, busy, change):
    """New code runs at once, beside it."""
    function = deploy(GATE, Timeout=30)
    with busy(function) as running:
        if change == "deletion":
            function.delete_function()
        else:
            function.recode(ECHO)
            assert function("new") == ("new", None)
    pid, error = running.result()

    assert error is None
    eventually(lambda: not alive(pid))
