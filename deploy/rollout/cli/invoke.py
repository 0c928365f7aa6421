"""`rollout invoke`: one call, answer to stdout and the function's log to stderr."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError

from fetcher.contract.shard_messages import SCHEMA
from local_aws.endpoint_error import EndpointError
from rollout.cli import options
from rollout.cli.options import DONE, command
from rollout.deploy import deployment
from rollout.errors import InvokeError, RolloutError, SettingError
from rollout.invoke import logs
from rollout.target.connection import Target, connect
from rollout.target.local_endpoint import local_endpoint

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rollout.cli.options import Commands
    from rollout.invoke.invoker import InvokeResult

FUNCTION_FAILED = 1

_EPILOG = """\
The answer goes to stdout, so it can be piped; the function's log goes to stderr.

An event is a shard: the files that one invocation downloads. This one asks for five
of 10 kB; insert the origin_url that `rollout serve --origin` prints:

  {"schema": %d, "run": "try", "index": 0, "wave": 0,
   "source": {"kind": "template", "ranges": [[0, 5]],
              "text": "http://127.0.0.1:PORT/10000/{number}.jpg"},
   "sink": {"kind": "discard"},
   "options": {"connections": 5, "allow_private": true},
   "deadline_s": 60}

allow_private lets it contact this machine. Omit it for files on the internet.
"""


def add_parser(commands: Commands, parent: argparse.ArgumentParser) -> None:
    """Add `rollout invoke`."""
    summary, epilog = "call the function and print its answer", _EPILOG % SCHEMA
    parser = command(commands, "invoke", summary, epilog, parent=parent, run=_run)
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
        help="deploy to a temporary local endpoint, and show the whole log",
    )
    parser.add_argument(
        "--tail",
        action="store_true",
        help="show the last 4 kB of the log; --local shows all of it",
    )


def _run(arguments: argparse.Namespace) -> int:
    _check_local(arguments)
    name, payload = arguments.name, _payload(arguments.payload)
    if arguments.local:
        result = _invoke_locally(name, payload)
    else:
        result = _invoke(options.target(arguments), name, payload, tail=arguments.tail)
        sys.stderr.write(result.log.decode("utf-8", "replace"))
    sys.stdout.buffer.write(result.payload + b"\n")
    if result.function_error:
        sys.stderr.write(
            f"rollout: {name} failed ({result.function_error}); its request was "
            f"{result.request_id}.\n"
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
        target = connect(
            "local",
            endpoint.endpoint_url,
            keys=endpoint.keys,
            check_alive=endpoint.check,
        )
        deployment.deploy(target, deployment.FunctionSpec(name=name))
        stack.callback(deployment.destroy, target, name)
        stack.enter_context(_log_shown(target, name))
        return _invoke(target, name, payload)


def _invoke(
    target: Target, name: str, payload: bytes, *, tail: bool = False
) -> InvokeResult:
    from rollout.invoke.invoker import Invoker  # noqa: PLC0415 - takes half a second

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
    """Copy the function's log to stderr, as it is written and to the last line."""
    over = threading.Event()

    def show() -> None:
        # If the endpoint is gone, the call says so.
        with suppress(BotoCoreError, RolloutError, EndpointError):
            for line in logs.follow(target, name, until=over):
                sys.stderr.write(f"{line}\n")

    thread = threading.Thread(target=show)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
