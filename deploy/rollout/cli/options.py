"""What the sub-commands share: their parsers, common options, and output."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from typing import TYPE_CHECKING

from rollout.deploy.function_spec import DEFAULTS
from rollout.errors import PreflightError, SettingError
from rollout.price import DEFAULT_MAX_COST_USD, in_dollars
from rollout.target.connection import NAMES, Target, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rollout.price import Bill

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 it has no other name

DONE = 0

_CENT = 0.01
_VARIABLES = {"--profile": "AWS_PROFILE", "--region": "AWS_REGION"}


def command(
    commands: Commands,
    name: str,
    summary: str,
    epilog: str = "",
    *,
    description: str = "",
    parent: argparse.ArgumentParser | None = None,
    run: Callable[[argparse.Namespace], int] | None = None,
) -> argparse.ArgumentParser:
    """Add a sub-command; its summary is its line in the list of them."""
    parser = commands.add_parser(
        name,
        parents=[parent] if parent else [],
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if run:
        parser.set_defaults(command=run)
    return parser


def target_options() -> argparse.ArgumentParser:
    """Return the options of every command that uses an account."""
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


def function_options() -> argparse.ArgumentParser:
    """Return the options of every command about one function."""
    parser = argparse.ArgumentParser(add_help=False, parents=[target_options()])
    parser.add_argument(
        "--name", default=DEFAULTS.name, help="the function's (%(default)s)"
    )
    return parser


def target(arguments: argparse.Namespace) -> Target:
    """
    Connect to the account, or to the local endpoint.

    Raises:
        TargetError: If it does not answer, or refuses the credentials.
    """
    url = arguments.endpoint_url or os.environ.get("AWS_ENDPOINT_URL", "")
    return connect(
        arguments.target, url, profile=arguments.profile, region=arguments.region
    )


def variables(arguments: argparse.Namespace) -> str:
    """Return the shell variables that choose the same account as the options do."""
    return " ".join(
        f"{variable}={shlex.quote(value)}"
        for option, variable in _VARIABLES.items()
        if (value := getattr(arguments, option.removeprefix("--")))
    )


def add_repeated(
    parser: argparse.ArgumentParser, option: str, metavar: str, what: str
) -> None:
    """Add an option that may be given several times; its value is a list."""
    text = f"{what}; may be repeated"
    parser.add_argument(option, action="append", default=[], metavar=metavar, help=text)


def add_max_cost(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option that `check_price` is for."""
    parser.add_argument(
        "--max-cost-usd",
        type=float,
        default=DEFAULT_MAX_COST_USD,
        metavar="DOLLARS",
        help=f"{what} (%(default)s)",
    )


def check_price(
    priced: Bill, target: Target, max_usd: float, *, what: str, instead: str
) -> None:
    """
    Print a price, what it is for, and its items; refuse what is too dear.

    Raises:
        PreflightError: If AWS would bill more; `instead` is what to do then.
    """
    where = "" if target.asks_iam else "none, it is local; on AWS "
    sys.stderr.write("\n".join((f"dollars: {where}{what}:", *priced.lines(), "")))
    if target.asks_iam and not priced.dollars <= max_usd:
        msg = (
            f"This is priced at {in_dollars(priced.dollars)}, more than the "
            f"{in_dollars(max_usd)} of --max-cost-usd. {instead}, or set "
            f"--max-cost-usd to {priced.dollars + _CENT:.2f}."
        )
        raise PreflightError([msg])


def name_and_value(text: str, example: str = "") -> tuple[str, str]:
    """
    Split ``NAME=VALUE``.

    Raises:
        SettingError: If it is something else.

    >>> name_and_value("a=b=c")
    ('a', 'b=c')
    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        msg = f"{text!r} is not NAME=VALUE{example and f', as in {example}'}."
        raise SettingError(msg)
    return name, value


def print_json(fields: Mapping[str, object]) -> None:
    """Print an object as indented JSON, at once."""
    sys.stdout.write(f"{json.dumps(fields, indent=2)}\n")
    sys.stdout.flush()
