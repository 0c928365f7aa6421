"""The `rollout` command."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from rollout import logs, worker
from rollout.errors import RolloutError, SettingError
from rollout.invoke import Answer, Invoker
from rollout.local_endpoint import LocalEndpoint, local_endpoint
from rollout.serve import serve
from rollout.target import NAMES, Target, connect

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE = 0
FUNCTION_FAILED = 1
REFUSED = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count

_EXAMPLES = """\
exit status:
  0  done
  1  the function was called and failed
  2  refused or failed; why stands on stderr in one line

examples:
  rollout invoke --local --payload event.json   try the worker, no account needed

  rollout serve --origin                        a local endpoint, until Ctrl-C
  export AWS_ENDPOINT_URL=http://127.0.0.1:...  the address it prints
  rollout deploy --memory-mb 1769
  rollout invoke --payload event.json
  rollout logs -f
  rollout destroy

  unset AWS_ENDPOINT_URL
  rollout deploy --target aws                   the same, with your AWS account
"""

_EVENT = """\
an event is a shard, the files one invocation is asked for. This one asks for five of
10 kB; put in the origin_url that `rollout serve --origin` prints:

  {"schema": 1, "run": "try", "index": 0, "wave": 0,
   "source": {"kind": "template", "ranges": [[0, 5]],
              "text": "http://127.0.0.1:PORT/10000/{number}.jpg"},
   "sink": {"kind": "discard"},
   "options": {"connections": 5, "allow_private": true},
   "deadline_s": 60}

allow_private lets it contact this machine. Leave it out for files on the internet.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command.

    Args:
        argv: Its arguments; those of the process if none are given.

    Returns:
        The exit status.
    """
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.command(arguments)
    except (RolloutError, BotoCoreError, ClientError) as error:
        print(f"rollout: {' '.join(str(error).split())}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # as in `rollout logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


def _serve(arguments: argparse.Namespace) -> int:
    def announce(endpoint: LocalEndpoint) -> None:
        print(json.dumps(asdict(endpoint)), flush=True)

    serve(
        arguments.host,
        arguments.port,
        announce,
        with_origin=arguments.origin,
        until_stdin_closes=arguments.until_stdin_closes,
    )
    return DONE


def _deploy(arguments: argparse.Namespace) -> int:
    wanted = worker.Worker(
        name=arguments.name,
        memory_mb=arguments.memory_mb,
        timeout_s=arguments.timeout_s,
        tmp_mb=arguments.tmp_mb,
    )
    deployed = worker.deploy(_target(arguments), wanted)
    print(json.dumps(asdict(deployed), indent=2))
    for change in deployed.changes or ["nothing had to be changed"]:
        print(change, file=sys.stderr)
    return DONE


def _invoke(arguments: argparse.Namespace) -> int:
    if arguments.local and arguments.target != "local":
        msg = "--local calls the function on this machine; leave out --target."
        raise SettingError(msg)
    payload = _payload(arguments.payload)
    with ExitStack() as stack:
        if arguments.local:
            endpoint = stack.enter_context(local_endpoint(origin=False))
            target = connect("local", endpoint.endpoint_url)
            worker.deploy(target, worker.Worker(name=arguments.name))
            stack.callback(worker.destroy, target, arguments.name)
        else:
            target = _target(arguments)
        answer = asyncio.run(_invoke_once(target, arguments.name, payload))
    sys.stdout.buffer.write(answer.payload + b"\n")
    if answer.function_error:
        print(
            f"rollout: {arguments.name} failed ({answer.function_error}); its request "
            f"was {answer.request_id}.",
            file=sys.stderr,
        )
        return FUNCTION_FAILED
    return DONE


async def _invoke_once(target: Target, name: str, payload: bytes) -> Answer:
    async with Invoker(target, in_flight=1) as invoker:
        return await invoker.invoke(name, payload)


def _status(arguments: argparse.Namespace) -> int:
    found = asdict(worker.status(_target(arguments), arguments.name))
    del found["changes"]  # looking changes nothing
    print(json.dumps(found, indent=2))
    return DONE


def _logs(arguments: argparse.Namespace) -> int:
    lines = logs.follow if arguments.follow else logs.read
    for line in lines(_target(arguments), arguments.name):
        print(line, flush=arguments.follow)
    return DONE


def _destroy(arguments: argparse.Namespace) -> int:
    target, name = _target(arguments), arguments.name
    for removed in worker.destroy(target, name):
        print(f"removed {removed}")
    left = worker.status(target, name)
    function = "" if left.state == worker.ABSENT else name
    found = ", ".join(filter(None, (function, left.role, left.log_group)))
    print(f"left     {found or 'nothing'}")
    return DONE


def _target(arguments: argparse.Namespace) -> Target:
    return connect(arguments.target, arguments.endpoint_url)


def _payload(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()
    except OSError as error:
        msg = f"The payload {path} cannot be read: {error.strerror}."
        raise SettingError(msg) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rollout",
        description="Put the downloader onto AWS Lambda, or onto its local stand-in.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    _add_serve(commands)
    where = _where()

    deploy = commands.add_parser(
        "deploy", parents=[where], help="create the function, or change what differs"
    )
    _add_sizes(deploy)
    deploy.set_defaults(command=_deploy)

    invoke = commands.add_parser(
        "invoke",
        parents=[where],
        help="call the function and print its answer",
        epilog=_EVENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    invoke.set_defaults(command=_invoke)
    invoke.add_argument(
        "--payload",
        type=Path,
        required=True,
        metavar="FILE",
        help="the event, as JSON; - is stdin",
    )
    invoke.add_argument(
        "--local",
        action="store_true",
        help="deploy to a local endpoint of its own, gone afterwards",
    )

    status = commands.add_parser(
        "status", parents=[where], help="print what there is of the function"
    )
    status.set_defaults(command=_status)

    log = commands.add_parser(
        "logs", parents=[where], help="print what the function wrote"
    )
    log.set_defaults(command=_logs)
    log.add_argument(
        "-f", "--follow", action="store_true", help="and go on, until Ctrl-C"
    )

    destroy = commands.add_parser(
        "destroy", parents=[where], help="remove function, role and log group"
    )
    destroy.set_defaults(command=_destroy)
    return parser


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "serve",
        help="run a local endpoint",
        description=(
            "Run a local endpoint until SIGINT or SIGTERM. Once it answers, one line "
            'is printed: {"endpoint_url": ..., "origin_url": ...}'
        ),
    )
    parser.set_defaults(command=_serve)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument(
        "--origin", action="store_true", help="serve files to download, too"
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end as well when stdin, a pipe, closes: when its holder is gone",
    )


def _where() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--target", choices=NAMES, default="local")
    parser.add_argument(
        "--endpoint-url",
        default=os.environ.get("AWS_ENDPOINT_URL", ""),
        metavar="URL",
        help="where the services answer; by default $AWS_ENDPOINT_URL",
    )
    parser.add_argument(
        "--name", default=worker.Worker().name, help="the function's (%(default)s)"
    )
    return parser


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    wanted = worker.Worker()
    for option, default, what in (
        ("--memory-mb", wanted.memory_mb, "its memory"),
        ("--timeout-s", wanted.timeout_s, "when Lambda ends it"),
        ("--tmp-mb", wanted.tmp_mb, "size of its /tmp"),
    ):
        parser.add_argument(
            option, type=int, default=default, metavar="N", help=f"{what} ({default})"
        )


if __name__ == "__main__":
    sys.exit(main())
