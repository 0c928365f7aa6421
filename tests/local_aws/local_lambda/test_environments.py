"""Environments: which process serves whom, what it has, and when it ends."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from tests.support.child_processes import alive
from tests.support.lambda_api import ECHO, GATE, PID, SLEEP, eventually, invoke, recode

from local_aws.local_lambda.runtime.processes import zygote_control


def test_one_environment_serves_one_caller_again_and_again(client, deploy):
    """
    A process answers before it asks for work; that must not look like being busy.
    """
    name = deploy(
        "import os\n"
        "count = 0\n"
        "def run(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    return [os.getpid(), count]\n"
    )
    answers = [invoke(client, name)[0] for _ in range(20)]

    assert len({pid for pid, _ in answers}) == 1
    assert [count for _, count in answers] == list(range(1, 21))


def test_environments_made_for_callers_at_once_are_all_used_again(client, deploy):
    name = deploy(SLEEP)
    with ThreadPoolExecutor(10) as threads:
        first = set(threads.map(lambda _: invoke(client, name, 0.3)[0], range(10)))
        again = set(threads.map(lambda _: invoke(client, name, 0.3)[0], range(10)))

    assert len(first) == 10
    assert again == first


def test_what_a_function_started_ends_with_its_environment(client, deploy):
    name = deploy(
        "import subprocess, os\n"
        "def run(event, context):\n"
        "    if event: os._exit(1)\n"
        "    return subprocess.Popen(['sleep', '1000']).pid\n"
    )
    pid, _ = invoke(client, name)
    invoke(client, name, 1)

    eventually(lambda: not alive(pid))


def test_an_environment_has_none_of_our_variables_and_knows_the_endpoint(
    aws, client, deploy, monkeypatch
):
    monkeypatch.setenv("AWS_PROFILE", "secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    name = deploy("import os\ndef run(event, context): return dict(os.environ)\n")
    variables, _ = invoke(client, name)

    assert not {"AWS_PROFILE", "SOME_TOKEN"} & variables.keys()
    assert variables["AWS_ENDPOINT_URL"] == aws.endpoint_url


def test_boto3_in_a_function_talks_to_the_same_endpoint(client, deploy):
    name = deploy(
        "import boto3\n"
        "def run(event, context):\n"
        "    return boto3.client('sts').get_caller_identity()['Account']\n",
        Timeout=30,
    )

    assert invoke(client, name) == ("123456789012", None)


def test_libraries_are_imported_once_and_the_handler_in_each_environment(
    client, deploy
):
    """
    Shared module state would give every environment the same random numbers.
    """
    pid_at_import = "import os\npid = os.getpid()\n"
    metadata = "Metadata-Version: 2.1\nName: lib\nVersion: 1\n"
    name = deploy(
        {
            "lib/__init__.py": pid_at_import,
            "lib-1.dist-info/METADATA": metadata,
            "lib-1.dist-info/RECORD": "lib/__init__.py,,\nlib-1.dist-info/METADATA,,\n",
            "broken/__init__.py": "raise SystemExit('not here')\n",
            "broken-1.dist-info/METADATA": metadata.replace("lib", "broken"),
            "broken-1.dist-info/RECORD": "broken/__init__.py,,\n",
            "app.py": f"{pid_at_import}import lib, time\n"
            "def run(event, context):\n"
            "    time.sleep(0.3)\n"
            "    return [os.getpid(), pid, lib.pid]\n",
        }
    )
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: invoke(client, name)[0], range(3)))

    assert len({own for own, _, _ in answers}) == 3
    assert all(own == handlers for own, handlers, _ in answers)
    assert len({librarys for _, _, librarys in answers}) == 1


def test_environments_can_be_fresh_processes_where_forking_is_unsafe(
    client, deploy, monkeypatch
):
    monkeypatch.setattr(zygote_control, "START", "fresh")
    name = deploy("import os\ndef run(e, c): os._exit(e) if e else None; return 1\n")

    assert invoke(client, name) == (1, None)
    assert invoke(client, name, 5)[0]["errorMessage"].endswith("exit status 5")
    assert invoke(client, name) == (1, None)


def test_a_fresh_process_shows_its_environments_name_to_nobody(
    client, deploy, monkeypatch
):
    """
    Whoever knows it could answer for it; ``ps`` shows all arguments to everybody.
    """
    monkeypatch.setattr(zygote_control, "START", "fresh")
    name = deploy(
        "import os, sys\n"
        "def run(event, context): return [os.getpid(), sys.stdin.read()]\n"
    )
    (pid, stdin), error = invoke(client, name)
    arguments = psutil.Process(pid).cmdline()

    assert error is None
    assert stdin == ""
    assert arguments[-1].endswith("environment_main.py")


def test_new_code_runs_at_once_and_old_processes_end_with_their_last_call(
    client, deploy, busy
):
    name = deploy(GATE)
    with busy(client, name) as running:
        recode(client, name, ECHO)
        new = invoke(client, name, "new")
    pid, error = running.result()

    assert new == ("new", None)
    assert error is None
    eventually(lambda: not alive(pid))


def test_a_deleted_function_has_no_process_left(client, deploy):
    name = deploy(PID)
    pid, _ = invoke(client, name)
    client.delete_function(FunctionName=name)

    assert not alive(pid)


def test_a_deleted_functions_process_ends_with_its_last_call(client, deploy, busy):
    name = deploy(GATE)
    with busy(client, name) as running:
        client.delete_function(FunctionName=name)
    pid, error = running.result()

    assert error is None
    eventually(lambda: not alive(pid))


def test_the_interpreter_is_ours_whatever_runtime_says(client, deploy):
    code = "import sys\ndef run(event, context): return sys.executable\n"
    name = deploy(code, Runtime="python3.9")

    assert Path(invoke(client, name)[0]).samefile(sys.executable)
