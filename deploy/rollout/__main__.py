"""The `rollout` command."""

from __future__ import annotations

if __name__ == "__main__":  # the imports below take half a second
    from fetcher.process.signals import quit_when_interrupted

    quit_when_interrupted("rollout")

import argparse
import os
import select
import signal
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from fetcher.process.signals import INTERRUPTED, SIGNALS, handle
from local_aws.endpoint_error import EndpointError
from origin import OriginError
from rollout.cli import (
    deploy,
    doctor,
    invoke,
    jobs,
    options,
    s3_origin,
    serve,
    url_manifest,
)
from rollout.cli.options import DONE, command, print_json
from rollout.deploy import deployment
from rollout.errors import RolloutError
from rollout.invoke import logs

if TYPE_CHECKING:
    from collections.abc import Sequence

REFUSED = 2
_REFUSALS = (
    *(RolloutError, EndpointError, OriginError),
    *(BotoCoreError, ClientError, ResponseParserError),
)

_EPILOG = """\
`python -m experiment plan` forecasts time and dollars, with no account.

exit status:
    0  done
    1  the function was called and failed; or doctor found something not ok, or some of
       a job's URLs failed
    2  refused or failed, with one line on stderr that says why
  130  interrupted by SIGINT or SIGTERM; a first deployment was undone, or what stays
       is named

examples:
  rollout invoke --local --payload event.json   try the worker, no account needed

  rollout serve --origin                        a local endpoint, until Ctrl-C
  export AWS_ENDPOINT_URL=http://127.0.0.1:...  paste the five lines it prints
  rollout deploy --memory-mb 1769
  rollout invoke --payload event.json
  rollout logs -f
  rollout destroy

  unset AWS_ENDPOINT_URL AWS_DEFAULT_REGION \\
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  rollout doctor --target aws                   is your AWS account ready?
  rollout deploy --target aws                   the same, there
"""


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command.

    Args:
        argv: Its arguments; by default those of the process.

    Returns:
        The exit status.
    """
    arguments = _parser().parse_args(argv)
    if argv is None:
        for number in SIGNALS:  # so that everything is tidied up
            handle(number, signal.default_int_handler)
    try:
        status: int = arguments.command(arguments)
    except _REFUSALS as error:
        print(f"rollout: {' '.join(str(error).split())}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt as stop:  # a deployment says what is left of it
        said = ": ".join(filter(None, ("rollout: interrupted", str(stop))))
        print(said, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # as in `rollout logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


def _status(arguments: argparse.Namespace) -> int:
    fields = asdict(deployment.status(options.target(arguments), arguments.name))
    del fields["changes"]  # looking changes nothing
    print_json(fields)
    return DONE


def _logs(arguments: argparse.Namespace) -> int:
    target, name = options.target(arguments), arguments.name
    if not arguments.follow:
        for line in logs.read(target, name):
            print(line)
        return DONE
    closed = threading.Event()
    watch = threading.Thread(
        target=_watch_pipe, args=(sys.stdout.fileno(), closed), daemon=True
    )
    watch.start()
    for line in logs.follow(target, name, until=closed):
        print(line, flush=True)
    return DONE


def _watch_pipe(pipe: int, closed: threading.Event) -> None:
    """Set the event when the reader ends, as `grep -m1` does, even between lines."""
    poll = select.poll()
    poll.register(pipe, 0)
    poll.poll()
    closed.set()


def _destroy(arguments: argparse.Namespace) -> int:
    target, name = options.target(arguments), arguments.name
    for removed in deployment.destroy(target, name):
        print(f"removed {removed}")
    for remainder in deployment.left(target, name) or ["nothing"]:
        print(f"left     {remainder}")
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rollout",
        description="Deploy the downloader to AWS Lambda, or to its local stand-in.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    on_target, on_function = options.target_options(), options.function_options()
    serve.add_parser(commands)
    doctor.add_parser(commands, on_function)
    deploy.add_parser(commands, on_function)
    invoke.add_parser(commands, on_function)
    url_manifest.add_parser(commands, on_target)
    s3_origin.add_parser(commands, on_target)
    jobs.add_parser(commands, on_function)

    for name, summary, run in (
        ("status", "print what exists of the function", _status),
        ("logs", "print the function's log", _logs),
        (
            "destroy",
            "remove function, role, log group and unfinished uploads",
            _destroy,
        ),
    ):
        added = command(commands, name, summary, parent=on_function, run=run)
        if run is _logs:
            added.add_argument(
                "-f", "--follow", action="store_true", help="and continue, until Ctrl-C"
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
