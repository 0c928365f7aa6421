"""
The target `aws` whole: deployed, checked, fanned out, priced, removed.

Only addresses are not AWS's: behind them are the local endpoint, and a gate that
refuses what deploy/permissions.json does not allow. And Lambda has this machine's
Python, so that what is deployed can run.
"""

import json

import pytest
from tests.support import wheelhouse
from tests.support.aws_target import POLICY, aws_in_place
from tests.support.iam_simulation import denied, idle
from tests.support.notebook_cells import run_cells

from experiment.cost.spending_limit import DryRun
from experiment.ledger.run_folder import read_run
from rollout.__main__ import main
from rollout.deploy.deployment import destroy, left
from rollout.errors import PreflightError
from rollout.invoke import logs
from rollout.target.connection import connect
from rollout.target.runtime_platform import machine

NAME = "million-downloads-a"
BUCKET = "million-downloads-path"
FILES = 60


@pytest.fixture
def gate(endpoint, monkeypatch, wheels_folder):
    wheelhouse.offer_for_this_machine(monkeypatch, wheels_folder)
    with aws_in_place(endpoint.endpoint_url, monkeypatch) as gate:
        yield gate
        destroy(connect("aws"), NAME)


@pytest.fixture
def parameters(endpoint, tmp_path):
    return {
        "target": "aws",
        "function": NAME,
        "url_template": f"{endpoint.origin_url}/10000/{{number}}.jpg",
        "allow_private": True,
        "files": FILES,
        "shards_per_execution": 2,
        "memory_mb": 512,
        "architecture": machine().architecture,
        "run_folder": str(tmp_path / "run"),
    }


def test_the_aws_path_works_whole_with_the_policy_that_readme_grants(
    gate, s3, parameters, tmp_path, capsys
):
    """`rollout deploy`, preflight, 20_fan_out, `rollout destroy`."""
    s3.create_bucket(Bucket=BUCKET)
    options = ["--target", "aws", "--name", NAME, "--memory-mb", "512"]
    options += ["--bucket", f"s3://{BUCKET}/kept"]
    options += ["--architecture", machine().architecture]
    assert main(["deploy", *options, "--timeout-s", "60", "--tag", "run=mine"]) == 0
    deployed = json.loads(capsys.readouterr().out)
    assert deployed["state"] == "Active"

    kept = {"sink": "s3-tar", "sink_path": f"s3://{BUCKET}/kept", "tear_down": False}
    variables = run_cells("20_fan_out", parameters | kept)

    run = read_run(tmp_path / "run")
    assert (run["target"], run["totals"]["counts"]["ok"]) == ("aws", FILES)
    assert variables["deployed"].changes == (
        f"changed log group /aws/lambda/{NAME}: tags",
        f"changed role {NAME}-us-east-1: tags",
        f"changed function {NAME}: tags",
    )
    target = variables["session"].target
    tags = target.client("lambda").list_tags(Resource=deployed["arn"])["Tags"]
    assert tags == {"project": "million-downloads", "run": "run"}
    billed_s = variables["result"].shards["billed_s"]
    assert (billed_s > 0).all()
    assert run["cost"]["usd"] == pytest.approx(variables["spent"].bill.dollars)
    reported = [line for line in logs.read(target, NAME) if line.startswith("REPORT")]
    assert len(reported) == len(billed_s) == 4

    s3.create_multipart_upload(Bucket=BUCKET, Key="kept/r/00-00000.tar")
    assert main(["destroy", "--target", "aws", "--name", NAME]) == 0
    assert capsys.readouterr().out.splitlines()[-5:] == [
        f"removed function {NAME}",
        f"removed upload of s3://{BUCKET}/kept/r/00-00000.tar",
        f"removed role {NAME}-us-east-1",
        f"removed log group /aws/lambda/{NAME}",
        "left     nothing",
    ]
    assert denied(POLICY, gate.needed) == []
    assert idle(POLICY, gate.needed) == []
    assert {
        *("lambda:InvokeFunction", "lambda:GetAccountSettings"),
        *("lambda:GetFunctionConcurrency", "logs:FilterLogEvents"),
    } <= gate.actions


def test_a_dry_run_and_one_that_may_cost_too_much_deploy_and_invoke_nothing(
    gate, parameters, capsys
):
    with pytest.raises(DryRun):
        run_cells("20_fan_out", parameters | {"dry_run": True})
    output = capsys.readouterr().out
    with pytest.raises(PreflightError, match="`max_cost_usd`"):
        run_cells("20_fan_out", parameters | {"max_cost_usd": 0.001})

    assert "files: 60; shards: 4" in output
    assert "dollars: from $" in output
    assert f"GB-seconds of memory, {machine().architecture}" in output
    assert not [a for a in gate.actions if a.partition(":")[2].startswith("Create")]
    assert "lambda:InvokeFunction" not in gate.actions
    assert left(connect("aws"), NAME) == []


def test_who_may_deploy_and_not_call_is_told_before_the_fan_out(
    gate, parameters, tmp_path
):
    """A thousand calls would be refused, one by one, and end as a run of nothing."""
    gate.policy = gate.without("lambda:InvokeFunction")

    with pytest.raises(PreflightError, match=r"not authorized .*: lambda:Invoke"):
        run_cells("20_fan_out", parameters)

    assert not (tmp_path / "run").exists()
    assert left(connect("aws"), NAME) == []
