"""
A check in an AWS account, for a few cents: everything works, and nothing is left.

No test on one machine can show that. The commands are those a person would type; each
is printed before it runs, and everything is removed however the others end.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from experiment.command import calibrate
from experiment.ledger.run_folder import run_folder_for
from experiment.parameters.project_root import root
from rollout.deploy import deployment, role
from rollout.errors import DeployError, TargetError
from rollout.target.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollout.target.connection import Target

FUNCTION = "million-downloads-check"

_DONE, _FAILED, _COULD_NOT_RUN = 0, 1, 2
_ROLLOUT = (sys.executable, "-P", "-m", "rollout")
_EXPERIMENT = (sys.executable, "-P", "-m", "experiment")
# The prefix of everything that tests/conformance creates.
_SUITE_PREFIX = "conformance-"
# What it creates: the service, the call that lists it, and where that has the name.
_KINDS = (
    ("function", "lambda", "list_functions", "Functions", "FunctionName"),
    ("layer", "lambda", "list_layers", "Layers", "LayerName"),
    ("log group", "logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("role", "iam", "list_roles", "Roles", "RoleName"),
)
# AWS publishes it, as "AWS IP address ranges" in the VPC user guide.
_PUBLIC_FILE = "https://ip-ranges.amazonaws.com/ip-ranges.json?{number}"
_MOST_USD = 0.10

_BEFORE = """\
This deploys to account {account} in {region}, with the credentials that the AWS CLI
would use; downloads 20 files and prices that; measures what the model of the fleet
guesses, with some gigabytes from a bucket of its own; spends some minutes checking on
AWS what the local Lambda claims about it; and removes everything. It costs a few cents.
The model reads what was measured in deploy/aws_facts/calibration.toml. The permissions
it needs are in deploy/permissions.json and deploy/permissions-check.json.

It was written without an AWS account: each step was run against the local endpoint
only, so this may be the very first run. Please report what fails here but not locally.
"""


class Step(NamedTuple):
    """A command of the check."""

    purpose: str
    command: Sequence[str]


@dataclass(frozen=True)
class Check:
    """
    The settings of the check.

    Attributes:
        suite: The tests that pytest runs against AWS.

        calibrates: Whether to measure what the model of the fleet guesses.
    """

    url_template: str = _PUBLIC_FILE
    allow_private: bool = False
    architecture: str = "arm64"
    suite: tuple[str, ...] = ("tests/conformance",)
    calibrates: bool = True
    run_folder: str = ""

    def steps(self) -> Iterator[Step]:
        """Yield all steps but the last, which removes everything."""
        name = ("--target", "aws", "--name", FUNCTION)
        sizes = ("--memory-mb", "512", "--timeout-s", "60")
        architecture = ("--architecture", self.architecture)
        yield Step("deploy", (*_ROLLOUT, "deploy", *name, *sizes, *architecture))
        yield Step("show its status", (*_ROLLOUT, "status", *name))
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
        options = [
            text for pair in parameters.items() for text in ("-p", *map(_yaml, pair))
        ]
        yield Step("fan out and price it", (*_EXPERIMENT, "20_fan_out", *options))
        yield Step("read the log", (*_ROLLOUT, "logs", *name))
        if self.calibrates:
            measure = (*_EXPERIMENT, "calibrate")  # with a function of its own
            yield Step("measure what the model of the fleet guesses", measure)
        pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
        suite = (*pytest, *self.suite, "--target", "aws")
        yield Step("check the claims of the local Lambda on AWS", suite)


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
    Run every step, remove everything, and print what failed and what is left.

    Returns:
        The exit status: 0 if nothing failed and nothing is left.
    """
    failed = []
    names = [FUNCTION, *_calibrated_name(check, target)]
    try:
        for step in check.steps():
            if not _succeeds(step):
                failed.append(step.purpose)
                if step.purpose == "deploy":
                    break  # no later step can succeed
    finally:
        for name in names:
            destroy = (*_ROLLOUT, "destroy", "--target", "aws", "--name", name)
            if not _succeeds(Step(f"remove {name}", destroy)):
                failed.append(f"remove {name}")
        remains = list(left(target))
    for purpose in failed:
        print(f"failed   {purpose}")
    for resource in remains or ["nothing"]:
        print(f"left     {resource}")
    return _FAILED if failed or remains else _DONE


def _calibrated_name(check: Check, target: Target) -> list[str]:
    """Return the name that the calibration deploys; none if that is taken."""
    if not check.calibrates:
        return []
    try:
        taken = deployment.left(target, calibrate.FUNCTION)
    except (BotoCoreError, ClientError, DeployError):
        return []  # no step can look there either, let alone deploy
    return [] if taken else [calibrate.FUNCTION]


def left(target: Target) -> Iterator[str]:
    """Yield every resource that is left of the check and of the suite."""
    try:
        for name in (FUNCTION, calibrate.FUNCTION):
            yield from deployment.left(target, name)
        for kind in _KINDS:
            yield from _left_of_suite(target, *kind)
    except (BotoCoreError, ClientError, DeployError) as error:
        yield f"unknown, because the search failed: {error}"


def _left_of_suite(
    target: Target, what: str, service: str, call: str, key: str, name: str
) -> Iterator[str]:
    ours = {"PathPrefix": role.PATH} if service == "iam" else {}
    for page in target.client(service).get_paginator(call).paginate(**ours):
        for one in page[key]:
            if one[name].removeprefix("/aws/lambda/").startswith(_SUITE_PREFIX):
                yield f"{what} {one[name]}"


def _succeeds(step: Step) -> bool:
    shown = " ".join(step.command).replace(sys.executable, "python")
    print(f"\n── {step.purpose}\n$ {shown}", flush=True)
    with subprocess.Popen(step.command, cwd=root()) as process:
        try:
            return process.wait() == 0
        except KeyboardInterrupt:
            process.wait()  # Ctrl-C reached it, too, and it removes what it made
            raise


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main())
