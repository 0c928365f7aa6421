"""`make aws-check`, against the local endpoint: what it will do in an account."""

import ast
import re
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from botocore import xform_name
from tests.support import wheelhouse
from tests.support.aws_target import (
    POLICY,
    POLICY_OF_CHECK,
    ROOT,
    actions_of,
    aws_in_place,
)
from tests.support.notebook_cells import run_cells
from tests.support.permissions_needed import action_of, operation_names

from experiment.command import arguments, aws_check, calibrate
from experiment.command.aws_check import FUNCTION, Check, Step, left, main, run
from experiment.ledger.run_folder import read_run
from rollout.__main__ import main as rollout
from rollout.deploy.deployment import destroy
from rollout.deploy.ownership_tag import OURS
from rollout.target.connection import connect
from rollout.target.runtime_platform import machine

BOTH = {"Statement": [*POLICY["Statement"], *POLICY_OF_CHECK["Statement"]]}
ONE_CASE = ("tests/conformance/test_invoke.py", "-k", "without_payload")


def started(command, **options):
    """
    Run commands of ours in this process, and any other as it is.

    As processes other tests run them: starting those took most of the time.
    """
    if command[1:3] != ("-P", "-m"):
        return subprocess.Popen(command, **options)
    words = list(command[4:])
    ways = {
        "rollout": lambda: rollout(words),
        "experiment": lambda: int(not run_cells(*arguments.read(words))),
    }
    return nullcontext(SimpleNamespace(wait=ways[command[3]]))


@pytest.fixture
def gate(endpoint, monkeypatch, wheels_folder):
    wheelhouse.offer_for_this_machine(monkeypatch, wheels_folder)
    monkeypatch.setattr(aws_check, "subprocess", SimpleNamespace(Popen=started))
    with aws_in_place(endpoint.endpoint_url, monkeypatch, BOTH) as gate:
        yield gate
        gate.policy = BOTH
        destroy(connect("aws"), FUNCTION)


@pytest.fixture
def check(endpoint, tmp_path):
    return Check(
        url_template=f"{endpoint.origin_url}/10000/{{number}}.jpg",
        allow_private=True,
        architecture=machine().architecture,
        suite=ONE_CASE,
        calibrates=False,  # tests/experiment/fleet/test_calibration.py
        run_folder=str(tmp_path / "run"),
    )


def test_every_step_is_shown_and_done_and_nothing_is_left(gate, check, capfd, tmp_path):
    status = run(check, connect("aws"))
    said = capfd.readouterr().out

    assert status == 0, said
    assert re.findall(r"^── (.+)$", said, re.MULTILINE) == [
        "deploy",
        "show its status",
        "fan out and price it",
        "read the log",
        "check the claims of the local Lambda on AWS",
        "remove million-downloads-check",
    ]
    assert "20 of 20 files are ok" in said
    assert "cost: $" in said
    assert "REPORT RequestId" in said
    assert re.search(r"^\d+ passed", said, re.MULTILINE)
    assert said.splitlines()[-1] == "left     nothing"
    assert read_run(tmp_path / "run")["cost"]["usd"] > 0
    assert gate.actions <= set(actions_of(BOTH))


@pytest.mark.usefixtures("gate")
def test_what_was_deployed_is_removed_whatever_fails_and_nothing_older(check, capfd):
    """
    As a calibration that is killed leaves a log group; or somebody had one before.
    """
    target, deploy = connect("aws"), next(check.steps())
    fails, group = Step("fail", ("false",)), f"/aws/lambda/{calibrate.FUNCTION}"

    def steps():
        yield deploy
        yield fails
        target.client("logs").create_log_group(logGroupName=group, tags=OURS)
        yield fails

    assert run(SimpleNamespace(steps=steps, calibrates=True), target) == 1
    said = capfd.readouterr().out
    assert f"removed function {FUNCTION}" in said
    assert f"removed log group {group}" in said
    assert said.splitlines()[-3:] == ["failed   fail"] * 2 + ["left     nothing"]

    target.client("logs").create_log_group(logGroupName=group, tags=OURS)
    assert run(SimpleNamespace(steps=list, calibrates=True), target) == 1
    destroy(target, calibrate.FUNCTION)
    assert capfd.readouterr().out.count(f"left     log group {group}\n") == 1


def test_a_step_that_is_interrupted_may_end_its_own_work(tmp_path):
    ends = tmp_path / "ended"
    code = (
        "import os, signal, sys, time, pathlib; os.kill(os.getppid(), signal.SIGINT); "
        f"time.sleep(0.6); pathlib.Path({str(ends)!r}).touch()"
    )
    with pytest.raises(KeyboardInterrupt):
        aws_check._succeeds(Step("wait", (sys.executable, "-c", code)))

    assert ends.exists()


def test_where_nothing_may_be_deployed_nothing_else_is_tried(gate, check, capfd):
    gate.policy = gate.without("iam:CreateRole")

    assert run(check, connect("aws")) == 1
    said = capfd.readouterr()
    assert "not authorized to perform: iam:CreateRole" in said.err
    assert said.out.splitlines()[-2:] == ["failed   deploy", "left     nothing"]
    assert "fan out" not in said.out


def test_what_the_suite_left_is_found(gate, endpoint, code):
    target = connect("aws")
    layers = connect("local", endpoint.endpoint_url).client("lambda")
    layer = {"LayerName": "conformance-abc"}
    version = layers.publish_layer_version(**layer, Content={"ZipFile": code})
    logs, name = target.client("logs"), "/aws/lambda/conformance-abc"
    more = {"Action": "logs:CreateLogGroup", "Resource": "*"}
    gate.policy = {"Statement": [*BOTH["Statement"], more]}
    logs.create_log_group(logGroupName=name)

    assert list(left(target)) == ["layer conformance-abc", f"log group {name}"]

    layers.delete_layer_version(**layer, VersionNumber=version["Version"])
    logs.delete_log_group(logGroupName=name)
    gate.policy = gate.without("lambda:ListFunctions")
    (said,) = left(target)
    assert said.startswith("unknown, because the search failed: ")


def test_without_credentials_nothing_is_tried(monkeypatch, tmp_path, capsys):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    assert main() == 2
    assert "There are no AWS credentials" in capsys.readouterr().err


def test_who_runs_it_reads_first_that_nobody_has_yet(gate, monkeypatch, capsys):
    monkeypatch.setattr(aws_check, "run", lambda *_: 0)

    assert main() == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "account 123456789012 in us-east-1" in said
    assert "written without an AWS account" in said
    assert gate.actions == set()
    makefile = ROOT.joinpath("Makefile").read_text()
    (line,) = re.findall("^aws-check:.*$", makefile, re.MULTILINE)
    assert line.endswith("Not yet run")


def test_the_policy_of_the_suite_has_no_patterns_and_its_own_names_only():
    for statement in POLICY_OF_CHECK["Statement"]:
        actions = actions_of({"Statement": [statement]})
        assert not [action for action in actions if "*" in action]
        if statement["Resource"] == "*":  # AWS narrows none of them
            assert set(actions) == {
                *("lambda:ListFunctions", "lambda:ListLayers", "iam:ListRoles")
            }
        else:
            assert not [one for one in statement["Resource"] if one.endswith(":*")]


def test_whatever_the_suite_calls_the_policies_allow():
    """
    Locally nobody asks them: its client goes past the gate.
    """
    files = [
        *ROOT.glob("tests/conformance/*.py"),
        ROOT / "tests/support/lambda_permissions.py",
    ]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    called = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    needed = {
        action_of(name) for name in operation_names() if xform_name(name) in called
    }

    assert {"lambda:GetPolicy", "lambda:InvokeFunction"} < needed
    assert needed <= set(actions_of(BOTH))


def test_the_check_is_the_commands_a_person_would_type():
    steps = list(Check(run_folder="results/x").steps())

    assert [step.command[:4] for step in steps[:2]] == [
        (sys.executable, "-P", "-m", "rollout")
    ] * 2
    assert "0.1" in steps[2].command
    assert steps[4].command[3:] == ("experiment", "calibrate")
