"""The `rollout` command."""

from __future__ import annotations

if __name__ == "__main__":  # what follows takes half a second
    from fetcher.process.interrupts import quit_when_interrupted

    quit_when_interrupted("rollout")

import argparse
import json
import os
import select
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fetcher.process.interrupts import INTERRUPTED, raise_when_interrupted
from local_aws.errors import EndpointError
from origin import OriginError
from rollout.cli import deploy as deploy_command
from rollout.cli import invoke, jobs, manifest, options, origin
from rollout.cli.invoke import DONE
from rollout.cli.serve import serve
from rollout.deploy import deploy as deployment
from rollout.errors import RolloutError
from rollout.invoke import logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_aws.endpoint_process import LocalEndpoint

_REGION = "us-east-1"  # where `rollout` itself looks for local functions
_OPEN_DOOR = (
    "rollout: warning: --any-credentials lets in everybody on this machine, signed or "
    "not; they can run code as you."
)

REFUSED = 2
_REFUSALS = (RolloutError, EndpointError, OriginError, BotoCoreError, ClientError)

_EXAMPLES = """\
exit status:
  0  done
  1  the function was called and failed
  2  refused or failed; why stands on stderr in one line

examples:
  rollout invoke --local --payload event.json   try the worker, no account needed

  rollout serve --origin                        a local endpoint, until Ctrl-C
  export AWS_ENDPOINT_URL=http://127.0.0.1:...  paste the five lines it prints
  rollout deploy --memory-mb 1769
  rollout invoke --payload event.json
  rollout logs -f
  rollout destroy

  unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  rollout deploy --target aws                   the same, with your AWS account
"""


_LIMITS = """\
what an environment gets of this machine:
  memory      as configured, on Linux: an environment that has more is killed, though
              one that takes it fast may have more for up to a second or so. On macOS
              nothing limits it.
  /tmp        its own, empty at first and of the configured size, in this machine's
              memory; the code is read-only. This takes Linux's leave to mount: root has
              it, and other users where the system allows user namespaces. Without it,
              in most containers and on macOS, each environment has a folder of its own
              in TMPDIR, of any size, and /tmp is everybody's.
  processor,  not limited and not shared out: all environments have the cores and the
  network     line of this machine in common. Memory buys neither, as it does on AWS.
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
    if argv is None:
        raise_when_interrupted()  # there may be something to tidy up
    try:
        status: int = arguments.command(arguments)
    except _REFUSALS as error:
        print(f"rollout: {' '.join(str(error).split())}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("rollout: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # as in `rollout logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


def _serve(arguments: argparse.Namespace) -> int:
    def announce(endpoint: LocalEndpoint) -> None:
        keys = endpoint.keys
        if not arguments.until_stdin_closes:  # there is somebody to paste them
            print(_to_paste(endpoint), file=sys.stderr, flush=True)
        line = {
            "endpoint_url": endpoint.endpoint_url,
            "origin_url": endpoint.origin_url,
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
        }
        print(json.dumps(line), flush=True)

    if arguments.any_credentials:
        print(_OPEN_DOOR, file=sys.stderr, flush=True)
    serve(
        arguments.host,
        arguments.port,
        announce,
        with_origin=arguments.origin,
        until_stdin_closes=arguments.until_stdin_closes,
        pace=arguments.pace,
        any_credentials=arguments.any_credentials,
    )
    return DONE


def _to_paste(endpoint: LocalEndpoint) -> str:
    """Return what makes boto3, the AWS CLI and `rollout` of a shell use an endpoint."""
    variables = {
        "AWS_ENDPOINT_URL": endpoint.endpoint_url,
        "AWS_DEFAULT_REGION": _REGION,
        **endpoint.keys.environ(),
    }
    return "\n".join(f"export {name}={text}" for name, text in variables.items())


def _status(arguments: argparse.Namespace) -> int:
    found = asdict(deployment.status(options.target(arguments), arguments.name))
    del found["changes"]  # looking changes nothing
    print(json.dumps(found, indent=2))
    return DONE


def _logs(arguments: argparse.Namespace) -> int:
    target, name = options.target(arguments), arguments.name
    if not arguments.follow:
        for line in logs.read(target, name):
            print(line)
        return DONE
    nobody_reads = threading.Event()
    watch = threading.Thread(
        target=_wait_for_end, args=(sys.stdout.fileno(), nobody_reads), daemon=True
    )
    watch.start()
    for line in logs.follow(target, name, until=nobody_reads):
        print(line, flush=True)
    return DONE


def _wait_for_end(pipe: int, nobody_reads: threading.Event) -> None:
    """Notice, while there is nothing to write, that `grep -m1` has what it wants."""
    poll = select.poll()
    poll.register(pipe, 0)
    poll.poll()
    nobody_reads.set()


def _destroy(arguments: argparse.Namespace) -> int:
    target, name = options.target(arguments), arguments.name
    for removed in deployment.destroy(target, name):
        print(f"removed {removed}")
    for found in deployment.left(target, name) or ["nothing"]:
        print(f"left     {found}")
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rollout",
        description="Put the downloader onto AWS Lambda, or onto its local stand-in.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    _add_serve(commands)
    parent = options.options()

    deploy_command.add_parser(commands, parent)
    invoke.add_parser(commands, parent)
    manifest.add_parser(commands, options.target_options())
    origin.add_parser(commands, options.target_options())
    jobs.add_parser(commands, parent)

    status = commands.add_parser(
        "status", parents=[parent], help="print what there is of the function"
    )
    status.set_defaults(command=_status)

    log = commands.add_parser(
        "logs", parents=[parent], help="print what the function wrote"
    )
    log.set_defaults(command=_logs)
    log.add_argument(
        "-f", "--follow", action="store_true", help="and go on, until Ctrl-C"
    )

    destroy = commands.add_parser(
        "destroy",
        parents=[parent],
        help="remove function, role and log group, and uploads left unfinished",
    )
    destroy.set_defaults(command=_destroy)
    return parser


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "serve",
        help="run a local endpoint",
        description=(
            "Run a local endpoint until SIGINT or SIGTERM. Once it answers, one line "
            'is printed: {"endpoint_url": ..., "origin_url": ..., "access_key_id": '
            '..., "secret_access_key": ...}, and on stderr the same as lines to paste '
            "into a shell. It runs code, so it answers only requests that are signed "
            "with that pair, or with keys of its IAM's CreateAccessKey or its STS's "
            "AssumeRole."
        ),
        epilog=_LIMITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=_serve)
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
            "calls a second for each execution that may run at once; none: as fast as "
            "this machine can (%(default)s)"
        ),
    )
    parser.add_argument(
        "--any-credentials",
        action="store_true",
        help=(
            "let in everybody on this machine, signed or not: they can then run code "
            "as you"
        ),
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end as well when stdin, a pipe, closes: when its holder is gone",
    )


if __name__ == "__main__":
    sys.exit(main())
