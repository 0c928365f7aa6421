"""`rollout invoke`: one call, its answer on stdout and the function's log on stderr."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError

from fetcher.contract.shard import SCHEMA
from local_aws.endpoint_process import local_endpoint
from rollout.cli import options
from rollout.deploy import deploy
from rollout.errors import InvokeError, RolloutError, SettingError
from rollout.invoke import logs
from rollout.invoke.invoker import Invoker, InvokeResult
from rollout.target.target import Target, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE = 0
FUNCTION_FAILED = 1

_EVENT = """\
The answer comes on stdout, so it can be piped; what the function logs, on stderr.

an event is a shard, the files one invocation is asked for. This one asks for five of
10 kB; put in the origin_url that `rollout serve --origin` prints:

  {"schema": %d, "run": "try", "index": 0, "wave": 0,
   "source": {"kind": "template", "ranges": [[0, 5]],
              "text": "http://127.0.0.1:PORT/10000/{number}.jpg"},
   "sink": {"kind": "discard"},
   "options": {"connections": 5, "allow_private": true},
   "deadline_s": 60}

allow_private lets it contact this machine. Leave it out for files on the internet.
"""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    parent: argparse.ArgumentParser,
) -> None:
    """Make the command known."""
    parser = commands.add_parser(
        "invoke",
        parents=[parent],
        help="call the function and print its answer",
        epilog=_EVENT % SCHEMA,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=invoke)
    parser.add_argument(
        "--payload",
        type=Path,
        required=True,
        metavar="FILE",
        help="the event, as JSON; - is stdin",
    )
    parser.add_argument(
        "--local",
        action="store_true",
        help="deploy to a local endpoint of its own, gone afterwards, and show the log",
    )
    parser.add_argument(
        "--tail",
        action="store_true",
        help="show the last 4 kB of the log; --local shows all of it",
    )


def invoke(arguments: argparse.Namespace) -> int:
    """
    Run the command.

    Returns:
        The exit status.
    """
    _check_local(arguments)
    name, payload = arguments.name, _payload(arguments.payload)
    if arguments.local:
        answer = _invoke_locally(name, payload)
    else:
        answer = _invoke(options.target(arguments), name, payload, tail=arguments.tail)
        sys.stderr.write(answer.log.decode("utf-8", "replace"))
    sys.stdout.buffer.write(answer.payload + b"\n")
    if answer.function_error:
        sys.stderr.write(
            f"rollout: {name} failed ({answer.function_error}); its request was "
            f"{answer.request_id}.\n"
        )
        return FUNCTION_FAILED
    return DONE


def _check_local(arguments: argparse.Namespace) -> None:
    elsewhere = arguments.target != "local" or arguments.endpoint_url
    if arguments.local and elsewhere:
        msg = (
            "--local starts an endpoint of its own; leave out --target and "
            "--endpoint-url, or --local."
        )
        raise SettingError(msg)


def _payload(path: Path) -> bytes:
    try:
        payload = sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()
    except OSError as error:
        msg = f"The payload {path} cannot be read: {error.strerror}."
        raise SettingError(msg) from error
    try:
        json.loads(payload or b"{}")
    except ValueError as error:
        msg = f"The payload {path} is not JSON: {error}."
        raise SettingError(msg) from error
    return payload


def _invoke_locally(name: str, payload: bytes) -> InvokeResult:
    with ExitStack() as stack:
        endpoint = stack.enter_context(local_endpoint(origin=False))
        target = connect("local", endpoint.endpoint_url, keys=endpoint.keys)
        deploy.deploy(target, deploy.FunctionSpec(name=name))
        stack.callback(deploy.destroy, target, name)
        stack.enter_context(_log_shown(target, name))
        return _invoke(target, name, payload)


def _invoke(
    target: Target, name: str, payload: bytes, *, tail: bool = False
) -> InvokeResult:
    async def once() -> InvokeResult:
        async with Invoker(target, in_flight=1) as invoker:
            return await invoker.invoke(name, payload, wants_log=tail)

    try:
        return asyncio.run(once())
    except InvokeError as error:
        if error.code != "ResourceNotFoundException" or ":" in name:
            raise
        msg = f"{error}. Run `rollout deploy --name {name}` first."
        raise InvokeError(msg, code=error.code, status=error.status) from error


@contextmanager
def _log_shown(target: Target, name: str) -> Iterator[None]:
    """Show on stderr what the function logs, while it does and to the last line."""
    over = threading.Event()

    def show() -> None:
        # An endpoint that went away is told by the call.
        with suppress(BotoCoreError, RolloutError):
            for line in logs.follow(target, name, until=over):
                sys.stderr.write(f"{line}\n")

    thread = threading.Thread(target=show)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
