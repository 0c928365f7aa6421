"""`rollout deploy`: its options and its output."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from aws_facts.prices import mark, price
from rollout.cli import options
from rollout.cli.options import DONE, command, name_and_value, print_json
from rollout.deploy import deployment
from rollout.deploy.function_spec import (
    AWS_IAM,
    DEFAULTS,
    URL_AUTHS,
    FunctionSpec,
    as_service,
)
from rollout.deploy.vpc_efs_config import EFS_MOUNT, Efs, Vpc
from rollout.target.runtime_platform import ARCHITECTURES

if TYPE_CHECKING:
    import argparse

    from rollout.cli.options import Commands

_PLACE = "BUCKET[/PREFIX]"
_EPILOG = """\
Makes everything by plain API calls, tags it, and changes only what differs from the
options: to change one thing, deploy again with all options. A first deployment that
fails, or is stopped, removes what it made; a role that Lambda needs to leave your
network stays with its log group, and both are named. The policy
deploy/permissions.json allows all of it.

examples:
  rollout deploy --target aws --profile lab --region eu-west-1
  rollout deploy --target aws --bucket my-photos/2026 --tmp-mb 2000
  rollout deploy --target aws --url --bucket my-photos
  rollout deploy --target aws --subnet subnet-1 --subnet subnet-2 \\
      --security-group sg-1 --efs arn:aws:elasticfilesystem:...:access-point/fsap-...
"""


def add_parser(commands: Commands, parent: argparse.ArgumentParser) -> None:
    """Add `rollout deploy`."""
    summary = "create the function, or change what differs"
    parser = command(commands, "deploy", summary, _EPILOG, parent=parent, run=_deploy)
    _add_options(parser)


def _deploy(arguments: argparse.Namespace) -> int:
    spec = _spec(arguments)
    target = options.target(arguments)
    deployed = deployment.deploy(target, spec)
    print_json(asdict(deployed))
    for change in deployed.changes or ["nothing had to be changed"]:
        sys.stderr.write(f"{change}\n")
    if spec.vpc:
        nat = price("nat_gb", target.region)
        sys.stderr.write(
            "Your network reaches the internet through a NAT gateway only, at "
            f"${nat.dollars:g} for every GB downloaded{mark(assumed=nat.assumed)}.\n"
        )
    return DONE


def _spec(arguments: argparse.Namespace) -> FunctionSpec:
    spec = FunctionSpec(
        name=arguments.name,
        memory_mb=arguments.memory_mb,
        timeout_s=arguments.timeout_s,
        tmp_mb=arguments.tmp_mb,
        architecture=arguments.architecture,
        log_retention_days=arguments.log_retention_days,
        environment=dict(map(name_and_value, arguments.environment)),
        bucket=arguments.bucket,
        sources=tuple(arguments.source),
        vpc=_vpc(arguments),
        efs=_efs(arguments),
        tags=dict(map(name_and_value, arguments.tag)),
    )
    url = arguments.url
    return as_service(spec, url, arguments.bucket) if url else spec


def _vpc(arguments: argparse.Namespace) -> Vpc | None:
    subnets, groups = tuple(arguments.subnet), tuple(arguments.security_group)
    return Vpc(subnets=subnets, security_groups=groups) if subnets or groups else None


def _efs(arguments: argparse.Namespace) -> Efs | None:
    access_point, mount = arguments.efs, arguments.efs_mount
    return Efs(access_point=access_point, mount=mount) if access_point else None


def _add_options(parser: argparse.ArgumentParser) -> None:
    for option, size, what in (
        ("--memory-mb", DEFAULTS.memory_mb, "its memory"),
        ("--timeout-s", DEFAULTS.timeout_s, "when Lambda ends it"),
        ("--tmp-mb", DEFAULTS.tmp_mb, "size of its /tmp"),
        ("--log-retention-days", DEFAULTS.log_retention_days, "days its log is kept"),
    ):
        parser.add_argument(
            option, type=int, default=size, metavar="N", help=f"{what} (%(default)s)"
        )
    parser.add_argument(
        "--architecture",
        choices=ARCHITECTURES,
        default=DEFAULTS.architecture,
        help="processor on AWS (%(default)s); a local function runs on this machine's",
    )
    parser.add_argument(
        "--url",
        nargs="?",
        choices=URL_AUTHS,
        const=AWS_IAM,
        default="",
        help="create a function URL: AWS_IAM, for signed requests (the default), or "
        "NONE, public",
    )
    for option, default, metavar, what in (
        ("--bucket", "", _PLACE, "the part of S3 it may read and write (none)"),
        ("--efs", "", "ARN", "an EFS access point to mount"),
        ("--efs-mount", EFS_MOUNT, "FOLDER", "where it is mounted (%(default)s)"),
    ):
        parser.add_argument(option, default=default, metavar=metavar, help=what)
    for option, metavar, what in (
        ("--source", _PLACE, "a part of S3 it may only read"),
        ("--environment", "NAME=VALUE", "set an environment variable"),
        ("--tag", "NAME=VALUE", "a tag for function, role and log group"),
        ("--subnet", "ID", "VPC subnet"),
        ("--security-group", "ID", "security group in that VPC"),
    ):
        options.add_repeated(parser, option, metavar, what)
