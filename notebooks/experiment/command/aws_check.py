"""
Whether all of this works in an AWS account, for a few cents, and leaves nothing there.

What no test on one machine can show. The commands are those a person would type; each
is shown before it runs, and everything is removed whatever became of the others.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from experiment.ledger.machine import root
from experiment.ledger.run_folder import run_folder_for
from rollout.deploy import deploy, role
from rollout.errors import DeployError, TargetError
from rollout.target.target import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollout.target.target import Target

FUNCTION = "million-downloads-check"

_DONE, _FAILED, _COULD_NOT_RUN = 0, 1, 2
_ROLLOUT = (sys.executable, "-P", "-m", "rollout")
_EXPERIMENT = (sys.executable, "-P", "-m", "experiment")
# What tests/conformance calls what it makes.
_OF_THE_SUITE = "conformance-"
# AWS publishes it for everybody, as "AWS IP address ranges" in the VPC user guide.
_PUBLIC_FILE = "https://ip-ranges.amazonaws.com/ip-ranges.json?{number}"
_MOST_USD = 0.10

_BEFORE = """\
This deploys to account {account} in {region}, with credentials as the AWS CLI finds
them; downloads 20 files; prices that; asks AWS, for some minutes, what the local Lambda
claims about it; and removes everything. It costs a few cents. What it must be allowed
to do stands in deploy/permissions.json and deploy/permissions-check.json.

Whoever wrote it had no AWS account: each step was run against the local endpoint only,
so this may be the first run of all. What fails here and not locally is worth a report.
"""


class Step(NamedTuple):
    """
    A command of the check.

    Attributes:
        what: What it is for.

        command: It.
    """

    what: str
    command: Sequence[str]


@dataclass(frozen=True)
class Check:
    """
    What is tried.

    Attributes:
        url_template: The files to download.

        allow_private: Whether these may be at private addresses.

        architecture: Of the function.

        suite: What pytest is asked to run against AWS.

        run_folder: Where results go; empty: a new folder in ``results/``.
    """

    url_template: str = _PUBLIC_FILE
    allow_private: bool = False
    architecture: str = "arm64"
    suite: tuple[str, ...] = ("tests/conformance",)
    run_folder: str = ""

    def steps(self) -> Iterator[Step]:
        """Yield what is done before everything is removed."""
        name = ("--target", "aws", "--name", FUNCTION)
        sizes = ("--memory-mb", "512", "--timeout-s", "60")
        architecture = ("--architecture", self.architecture)
        yield Step("deploy", (*_ROLLOUT, "deploy", *name, *sizes, *architecture))
        yield Step("look at it", (*_ROLLOUT, "status", *name))
        parameters = {
            "target": "aws",
            "function": FUNCTION,
            "url_template": self.url_template,
            "allow_private": self.allow_private,
            "architecture": self.architecture,
            "memory_mb": 512,
            "files": 20,
            "file_kb": 2_000,
            "connections": 5,
            "shards_per_execution": 2,
            "tear_down": False,
            "max_cost_usd": _MOST_USD,
            "run_folder": str(run_folder_for("aws_check", "aws", self.run_folder)),
        }
        given = [
            text for pair in parameters.items() for text in ("-p", *map(_yaml, pair))
        ]
        yield Step("fan out, and price it", (*_EXPERIMENT, "20_fan_out", *given))
        yield Step("read the log", (*_ROLLOUT, "logs", *name))
        pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
        suite = (*pytest, *self.suite, "--target", "aws")
        yield Step("ask AWS what the local Lambda claims about it", suite)


def main() -> int:
    """Run the command and return its exit status."""
    try:
        target = connect("aws")
    except TargetError as error:
        print(f"aws-check: {error}", file=sys.stderr)
        return _COULD_NOT_RUN
    print(_BEFORE.format(account=target.account, region=target.region))
    return run(Check(), target)


def run(check: Check, target: Target) -> int:
    """
    Do every step, remove everything, and say what failed and what is left.

    Returns:
        The exit status: 0 if nothing failed and nothing is left.
    """
    failed = []
    try:
        for step in check.steps():
            if not _done(step):
                failed.append(step.what)
                if step.what == "deploy":
                    break  # there is nothing to look at
    finally:
        destroy = (*_ROLLOUT, "destroy", "--target", "aws", "--name", FUNCTION)
        if not _done(Step("remove everything", destroy)):
            failed.append("remove everything")
        remains = list(left(target))
    for what in failed:
        print(f"failed   {what}")
    for what in remains or ["nothing"]:
        print(f"left     {what}")
    return _FAILED if failed or remains else _DONE


def left(target: Target) -> Iterator[str]:
    """Yield what there is of the check's own function, and of the suite's."""
    try:
        yield from deploy.left(target, FUNCTION)
        for function in _listed(target, "lambda", "list_functions", "Functions"):
            if function["FunctionName"].startswith(_OF_THE_SUITE):
                yield f"function {function['FunctionName']}"
        for group in _listed(target, "logs", "describe_log_groups", "logGroups"):
            if group["logGroupName"].startswith(f"/aws/lambda/{_OF_THE_SUITE}"):
                yield f"log group {group['logGroupName']}"
        for own_role in _listed(
            target, "iam", "list_roles", "Roles", PathPrefix=role.PATH
        ):
            if own_role["RoleName"].startswith(_OF_THE_SUITE):
                yield f"role {own_role['RoleName']}"
    except (BotoCoreError, ClientError, DeployError) as error:
        yield f"what could not be looked for: {error}"


def _listed(
    target: Target, service: str, call: str, key: str, **given: str
) -> Iterator[dict[str, str]]:
    for page in target.client(service).get_paginator(call).paginate(**given):
        yield from page[key]


def _done(step: Step) -> bool:
    shown = " ".join(step.command).replace(sys.executable, "python")
    print(f"\n── {step.what}\n$ {shown}", flush=True)
    return subprocess.run(step.command, cwd=root(), check=False).returncode == 0


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main())
