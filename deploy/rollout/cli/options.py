"""The options of `rollout` that say where things are, and which function is meant."""

from __future__ import annotations

import argparse
import os
import shlex

from rollout.deploy.deploy import FunctionSpec
from rollout.target.target import NAMES, Target, connect

_VARIABLES = {"--profile": "AWS_PROFILE", "--region": "AWS_REGION"}


def target_options() -> argparse.ArgumentParser:
    """Return the parent of every parser whose command looks into an account."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--target",
        choices=NAMES,
        default="local",
        help="your AWS account, or a local endpoint (%(default)s)",
    )
    parser.add_argument(
        "--endpoint-url",
        default="",
        metavar="URL",
        help="where the services answer; by default $AWS_ENDPOINT_URL",
    )
    for option, variable in _VARIABLES.items():
        parser.add_argument(
            option,
            default="",
            metavar="NAME",
            help=f"with --target aws, as the AWS CLI's; by default ${variable}",
        )
    return parser


def options() -> argparse.ArgumentParser:
    """Return the parent of every parser whose command is about a function."""
    parser = argparse.ArgumentParser(add_help=False, parents=[target_options()])
    parser.add_argument(
        "--name", default=FunctionSpec().name, help="the function's (%(default)s)"
    )
    return parser


def target(arguments: argparse.Namespace) -> Target:
    """
    Connect to the account, or the local endpoint.

    Raises:
        TargetError: If nothing of the kind answers there.
    """
    url = arguments.endpoint_url or os.environ.get("AWS_ENDPOINT_URL", "")
    return connect(
        arguments.target, url, profile=arguments.profile, region=arguments.region
    )


def variables(arguments: argparse.Namespace) -> str:
    """Return what a shell sets for a program to see the account that options name."""
    return " ".join(
        f"{variable}={shlex.quote(given)}"
        for option, variable in _VARIABLES.items()
        if (given := getattr(arguments, option.removeprefix("--")))
    )
