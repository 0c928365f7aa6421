"""`rollout deploy`: its options, and what it prints."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from aws_facts.limits import price
from rollout.cli import options
from rollout.deploy import deploy as deployment
from rollout.deploy.function_spec import AWS_IAM, URL_AUTHS, FunctionSpec, as_service
from rollout.deploy.network import Efs, Vpc
from rollout.errors import SettingError
from rollout.target.machine import ARCHITECTURES

DONE = 0

_EPILOG = """\
Everything is made by plain API calls, tagged, and changed only where it differs from
what is wanted: to change one thing, deploy again with all options. What a first
deployment has made when it fails is removed again. deploy/permissions.json is a policy
that allows it.

examples:
  rollout deploy --target aws --profile lab --region eu-west-1
  rollout deploy --target aws --bucket my-photos/2026 --tmp-mb 2000
  rollout deploy --target aws --url --bucket my-photos
  rollout deploy --target aws --subnet subnet-1 --subnet subnet-2 \\
      --security-group sg-1 --efs arn:aws:elasticfilesystem:...:access-point/fsap-...
"""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    parent: argparse.ArgumentParser,
) -> None:
    """Make the command known."""
    parser = commands.add_parser(
        "deploy",
        parents=[parent],
        help="create the function, or change what differs",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=deploy)
    _add_sizes(parser)
    _add_surroundings(parser)


def deploy(arguments: argparse.Namespace) -> int:
    """
    Run the command.

    Returns:
        The exit status.
    """
    wanted = _wanted(arguments)
    deployed = deployment.deploy(options.target(arguments), wanted)
    sys.stdout.write(f"{json.dumps(asdict(deployed), indent=2)}\n")
    sys.stdout.flush()
    for change in deployed.changes or ["nothing had to be changed"]:
        sys.stderr.write(f"{change}\n")
    if wanted.vpc:
        sys.stderr.write(
            "From your network the internet is reached through a NAT gateway only, at "
            f"${price('nat_gb').dollars:g} for every GB downloaded.\n"
        )
    return DONE


def _wanted(arguments: argparse.Namespace) -> FunctionSpec:
    wanted = FunctionSpec(
        name=arguments.name,
        memory_mb=arguments.memory_mb,
        timeout_s=arguments.timeout_s,
        tmp_mb=arguments.tmp_mb,
        architecture=arguments.architecture,
        log_retention_days=arguments.log_retention_days,
        environment=dict(map(_pair, arguments.environment)),
        bucket=arguments.bucket,
        sources=tuple(arguments.source),
        vpc=_vpc(arguments),
        efs=_efs(arguments),
        tags=dict(map(_pair, arguments.tag)),
    )
    url = arguments.url
    return as_service(wanted, url, arguments.bucket) if url else wanted


def _vpc(arguments: argparse.Namespace) -> Vpc | None:
    subnets, groups = tuple(arguments.subnet), tuple(arguments.security_group)
    return Vpc(subnets=subnets, security_groups=groups) if subnets or groups else None


def _efs(arguments: argparse.Namespace) -> Efs | None:
    access_point, mount = arguments.efs, arguments.efs_mount
    return Efs(access_point=access_point, mount=mount) if access_point else None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        msg = f"{text!r} is no NAME=VALUE."
        raise SettingError(msg)
    return name, value


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    wanted = FunctionSpec()
    for option, default, what in (
        ("--memory-mb", wanted.memory_mb, "its memory"),
        ("--timeout-s", wanted.timeout_s, "when Lambda ends it"),
        ("--tmp-mb", wanted.tmp_mb, "size of its /tmp"),
        ("--log-retention-days", wanted.log_retention_days, "days its log is kept"),
    ):
        parser.add_argument(
            option, type=int, default=default, metavar="N", help=f"{what} ({default})"
        )


def _add_surroundings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--architecture",
        choices=ARCHITECTURES,
        default=ARCHITECTURES[0],
        help="of AWS's processors (%(default)s); a local one is this machine's",
    )
    for option, what in (
        ("--environment", "a variable it finds set; may be repeated"),
        ("--tag", "put on function, role and log group; may be repeated"),
    ):
        parser.add_argument(
            option, action="append", default=[], metavar="NAME=VALUE", help=what
        )
    parser.add_argument(
        "--bucket",
        default="",
        metavar="BUCKET[/PREFIX]",
        help="what in S3 it may read and write (nothing)",
    )
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="BUCKET[/PREFIX]",
        help="what in S3 it may read only; may be repeated",
    )
    parser.add_argument(
        "--url",
        nargs="?",
        choices=URL_AUTHS,
        const=AWS_IAM,
        default="",
        help="be a service at a URL, for signed requests (%(const)s) or for anybody",
    )
    for option, what in (
        ("--subnet", "of your network to be in; may be repeated"),
        ("--security-group", "in that network; may be repeated"),
    ):
        parser.add_argument(
            option, action="append", default=[], metavar="ID", help=what
        )
    parser.add_argument(
        "--efs", default="", metavar="ARN", help="an EFS access point to mount"
    )
    parser.add_argument(
        "--efs-mount",
        default="/mnt/files",
        metavar="FOLDER",
        help="where it is mounted (%(default)s)",
    )
