import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from fetcher.contract.options import Options, SinkSpec
from fetcher.contract.shard_messages import Report, Shard
from fetcher.contract.template_source import Template
from local_aws.local_lambda.requests.access_keys import KeyPair
from rollout.__main__ import main
from rollout.cli.serve import _exports
from rollout.deploy.deployment import ABSENT, FunctionSpec, deploy


@pytest.fixture
def run(endpoint, capsys):
    """Run the command against the local endpoint: exit status, stdout, stderr."""

    def ran(*arguments):
        code = main([*arguments, "--endpoint-url", endpoint.endpoint_url])
        return code, *capsys.readouterr()

    return ran


@pytest.fixture
def event_file(endpoint, tmp_path):
    """The event that README shows: five files of 10 kB from the endpoint's origin."""
    path = tmp_path / "event.json"
    sample = sample_in_readme()
    path.write_text(sample.replace("http://127.0.0.1:PORT", endpoint.origin_url))
    return path


@pytest.fixture
def deployed(target, function_name, zip_of, tmp_path):
    """Deploy a handler's code; return how it is invoked with an event."""

    def deployed(code, event="{}"):
        path = tmp_path / "event.json"
        path.write_text(event)
        spec = FunctionSpec(name=function_name, handler="main.handler")
        deploy(target, spec, code=zip_of(f"def handler(event, context):\n    {code}\n"))
        return "invoke", "--name", function_name, "--payload", str(path)

    return deployed


def shard_of(template):
    return Shard(
        run="test",
        index=0,
        source=Template(template, ((0, 5),)),
        sink=SinkSpec(kind="discard"),
        options=Options(allow_private=True),
    )


def test_deploy_invoke_logs_status_destroy(run, event_file, function_name):
    """The main path, with the real worker and real downloads."""
    name = ("--name", function_name)

    code, out, err = run("deploy", *name, "--memory-mb", "512")
    assert (code, json.loads(out)["memory_mb"]) == (0, 512)
    assert f"created function {function_name}" in err

    code, out, err = run("deploy", *name, "--memory-mb", "512")
    assert (code, json.loads(out)["changes"]) == (0, [])
    assert "nothing had to be changed" in err

    code, out, _ = run("invoke", *name, "--payload", str(event_file))
    report = Report.from_dict(json.loads(out))
    assert code == 0
    assert (report.tally.ok, report.tally.body_bytes) == (5, 50_000)

    code, out, _ = run("logs", *name)
    assert code == 0
    assert "REPORT RequestId: " in out

    code, out, _ = run("status", *name)
    assert (code, json.loads(out)["state"]) == (0, "Active")

    code, out, _ = run("destroy", *name)
    *removed, left = out.splitlines()
    assert (code, len(removed), left) == (0, 3, "left     nothing")
    code, out, _ = run("status", *name)
    assert (code, json.loads(out)["state"]) == (0, ABSENT)
    assert "changes" not in json.loads(out)  # an empty list reads as "none was made"


def sample_in_readme():
    text = Path(__file__).parents[3].joinpath("deploy/README.md").read_text()
    (sample,) = re.findall(r"```json\n(.+?)```", text, re.DOTALL)
    return sample


def sample_in_help(capsys):
    with pytest.raises(SystemExit):
        main(["invoke", "--help"])
    out = capsys.readouterr().out
    return re.search(r"^  \{.+\}$", out, re.DOTALL | re.MULTILINE)[0]


def test_readme_and_help_show_the_same_event(capsys):
    assert json.loads(sample_in_readme()) == json.loads(sample_in_help(capsys))


def test_a_function_that_fails_is_exit_status_one(run, deployed):
    code, out, err = run(*deployed("raise ValueError(event)"))

    assert code == 1
    assert json.loads(out)["errorType"] == "ValueError"
    assert "failed (Unhandled)" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["deploy", "--memory-mb", "1"], "`memory_mb` is 1 MB"),
        (["invoke", "--payload", "/no/such/file"], "No such file"),
        (["invoke", "--payload", __file__], "is not JSON: Expecting value: line 1"),
        (["invoke", "--payload", "/dev/null", "--name", "no"], "Function not found"),
        (["invoke", "--payload", "/dev/null", "--name", "no"], "Run `rollout deploy"),
        (["invoke", "--local", "--payload", "/dev/null"], "leave out --target and"),
        (["logs", "--name", "absent"], "There is no log group /aws/lambda/absent"),
        (["status", "--name", "not a name"], "could not be looked at"),
    ],
)
def test_what_is_refused_is_one_line_and_exit_status_two(run, arguments, sentence):
    code, out, err = run(*arguments)

    assert code == 2
    assert out == ""
    assert err.startswith("rollout: ")
    assert err.count("\n") == 1
    assert sentence in err


@pytest.fixture
def _leaves_nothing(tmp_path, monkeypatch):
    """No process and no file of a test stay behind."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("TMPDIR", str(scratch))
    before = psutil.Process().children(recursive=True)
    yield
    assert set(psutil.Process().children(recursive=True)) <= set(before)
    assert list(scratch.iterdir()) == []


@pytest.mark.usefixtures("_leaves_nothing")
def test_invoke_local_needs_nothing(event_file, capfd):
    """One command from nothing to an answer."""
    status = main(["invoke", "--local", "--payload", str(event_file)])
    out, err = capfd.readouterr()

    assert status == 0, err
    assert Report.from_dict(json.loads(out)).tally.ok == 5
    start, end, report = err.splitlines()
    assert start.startswith("START RequestId: ")
    assert end.startswith("END RequestId: ")
    assert report.startswith("REPORT RequestId: ")


@pytest.fixture
def invoke_and(tmp_path, capfd):
    """Run `rollout invoke --local`; do something amid a download without an end."""

    def run(act):
        def when_connected():
            connection, _ = never_answers.accept()
            act()
            return connection

        event = tmp_path / "event.json"
        with (
            socket.create_server(("127.0.0.1", 0)) as never_answers,
            ThreadPoolExecutor(1) as thread,
        ):
            address = f"http://127.0.0.1:{never_answers.getsockname()[1]}/{{number}}"
            event.write_bytes(shard_of(address).to_json())
            acted = thread.submit(when_connected)
            status = main(["invoke", "--local", "--payload", str(event)])
            acted.result().close()
        return status, *capfd.readouterr()

    return run


@pytest.mark.usefixtures("_leaves_nothing")
def test_ctrl_c_ends_invoke_local(invoke_and):
    status, out, err = invoke_and(lambda: os.kill(os.getpid(), signal.SIGINT))

    assert (status, out) == (130, "")
    assert err.startswith("START RequestId: ")
    assert "Traceback" not in err


def test_invoke_local_names_an_endpoint_that_dies_in_one_line(invoke_and):
    """The thread that shows the log has nothing to add, not even a traceback."""
    before = psutil.Process().children()

    def kill_the_endpoint():
        (child,) = set(psutil.Process().children()) - set(before)
        child.kill()

    status, _, err = invoke_and(kill_the_endpoint)

    assert status == 2
    assert "rollout: The local endpoint ended by itself (signal 9)" in err
    assert "Traceback" not in err


def test_the_end_of_the_log_is_shown_beside_the_answer(run, deployed):
    invoke = deployed("print(event); return 1", event='"hello"')
    _, out, err = run(*invoke, "--tail")
    _, out_without, err_without = run(*invoke)
    start, line, _, report = err.splitlines()

    assert out == out_without == "1\n"
    assert (start[:5], line, report[:6]) == ("START", "hello", "REPORT")
    assert err_without == ""


@pytest.fixture
def follow(endpoint, function_name):
    """Return a process that runs `rollout logs -f`."""
    command = [sys.executable, "-m", "rollout", "logs", "-f", "--name", function_name]
    return lambda **pipes: subprocess.Popen(
        [*command, "--endpoint-url", endpoint.endpoint_url],
        stdout=subprocess.PIPE,
        **pipes,
    )


def test_logs_follow_new_lines(run, deployed, follow):
    invoke = deployed("print(context.aws_request_id)")
    run(*invoke)
    with follow(text=True) as process:
        first = next(line for line in process.stdout if line.startswith("REPORT"))
        run(*invoke)
        second = next(line for line in process.stdout if line.startswith("REPORT"))
        process.send_signal(signal.SIGINT)

    assert process.returncode == 130
    assert first != second


def test_following_ends_when_nobody_reads_any_more(run, deployed, follow):
    """As in `rollout logs -f | grep -m1 REPORT`, though no further line ever comes."""
    run(*deployed("pass"))
    with follow(stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()

    assert (process.returncode, err) == (0, b"")


def test_help_tells_exit_statuses_and_examples(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])

    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "exit status:" in out
    assert "rollout invoke --local" in out
    (unset,) = re.findall(r"unset (.*\\\n.*)", out)
    keys = KeyPair.random()
    exports = _exports(SimpleNamespace(endpoint_url="http://h", keys=keys))
    assert {*re.findall(r"export (\w+)=", exports)} == {*re.findall(r"\w+", unset)}
