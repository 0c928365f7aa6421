"""`rollout serve`: the local endpoint in the foreground."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from local_aws.endpoint_error import EndpointError
from origin import Origin
from rollout.cli.options import DONE, command

if TYPE_CHECKING:
    import argparse

    from local_aws.server import LocalAws
    from rollout.cli.options import Commands

_STDIN = 0
_REGION = "us-east-1"  # where `rollout` itself looks for local functions
_WARNING = (
    "rollout: warning: --any-credentials accepts every request from this machine, "
    "signed or not; anyone on it can run code as you."
)
_DESCRIPTION = """\
Run a local endpoint until SIGINT or SIGTERM. Once it answers, it prints one line:
{"endpoint_url": ..., "origin_url": ..., "access_key_id": ..., "secret_access_key": ...}
and, on stderr, the same as lines to paste into a shell. It runs code, so it answers
only requests signed with that key pair, or with a key of its IAM's CreateAccessKey or
its STS's AssumeRole.
"""
_EPILOG = """\
what an environment gets of this machine:
  memory      as configured, on Linux: an environment that uses more is killed, though
              one that grows fast may exceed it for up to a second or so. On macOS it
              is not limited.
  /tmp        its own, empty at first and of the configured size, in this machine's
              memory; the code is read-only. This needs Linux's permission to mount:
              root has it, and other users where the system allows user namespaces.
              Otherwise, in most containers and on macOS, each environment has a
              folder of its own in TMPDIR, of any size, and all share /tmp.
  processor,  not limited, and not divided: all environments share this machine's cores
  network     and network link. More memory buys neither, as it does on AWS.
"""


def add_parser(commands: Commands) -> None:
    """Add `rollout serve`."""
    parser = command(
        commands,
        "serve",
        "run a local endpoint",
        _EPILOG,
        description=_DESCRIPTION,
        run=_run,
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument(
        "--origin", action="store_true", help="serve files to download, too"
    )
    parser.add_argument(
        "--pace",
        choices=("none", "aws"),
        default="none",
        help=(
            "aws: as there, a function gets 1,000 new environments in 10 s, and ten "
            "calls a second, events not counted, for each execution that may run at "
            "once; none: as fast as this machine can (%(default)s)"
        ),
    )
    parser.add_argument(
        "--any-credentials",
        action="store_true",
        help=(
            "accept every request from this machine, signed or not: anyone on it can "
            "then run code as you"
        ),
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="also end when stdin, a pipe, closes because its holder ended",
    )


def _run(arguments: argparse.Namespace) -> int:
    if arguments.any_credentials:
        print(_WARNING, file=sys.stderr, flush=True)
    os.umask(0o077)  # files made here are this user's alone
    with ExitStack() as stack:
        origin = stack.enter_context(Origin()) if arguments.origin else None
        asyncio.run(_serve(arguments, origin))
        if origin:
            origin.check()
    return DONE


async def _serve(arguments: argparse.Namespace, origin: Origin | None) -> None:
    from local_aws.server import main_async  # noqa: PLC0415 - for other verbs in vain

    def announce(aws: LocalAws) -> None:
        if not arguments.until_stdin_closes:  # a person may paste them
            print(_exports(aws), file=sys.stderr, flush=True)
        line = {
            "endpoint_url": aws.endpoint_url,
            "origin_url": origin.url if origin else "",
            "access_key_id": aws.keys.access_key_id,
            "secret_access_key": aws.keys.secret_access_key,
        }
        print(json.dumps(line), flush=True)

    stop = asyncio.Event()
    if origin:
        _watch(origin, stop)
    if arguments.until_stdin_closes:
        _watch_stdin(stop)
    await main_async(
        arguments.host,
        arguments.port,
        on_ready=announce,
        stop=stop,
        pace=arguments.pace,
        any_credentials=arguments.any_credentials,
    )


def _exports(endpoint: LocalAws) -> str:
    """Return shell lines that point boto3, the AWS CLI and `rollout` at an endpoint."""
    variables = {
        "AWS_ENDPOINT_URL": endpoint.endpoint_url,
        "AWS_DEFAULT_REGION": _REGION,
        **endpoint.keys.environ(),
    }
    return "\n".join(f"export {name}={text}" for name, text in variables.items())


def _watch(origin: Origin, stop: asyncio.Event) -> None:
    """Stop when the origin ends, or every download from it would fail."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        origin.wait()
        with suppress(RuntimeError):  # the loop ended first, as it should
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True).start()


def _watch_stdin(stop: asyncio.Event) -> None:
    def on_readable() -> None:
        if not os.read(_STDIN, 1_024):
            loop.remove_reader(_STDIN)
            stop.set()

    loop = asyncio.get_running_loop()
    try:
        loop.add_reader(_STDIN, on_readable)
    except PermissionError as error:
        msg = "Stdin is not a pipe, so it cannot close. Leave out --until-stdin-closes."
        raise EndpointError(msg) from error
