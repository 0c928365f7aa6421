"""`python -m experiment calibrate`: what the model guesses, measured in an account."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections import deque
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from aws_facts.prices import HOME
from experiment.fleet.calibration import file
from experiment.fleet.calibration.probes import (
    MEMORIES_MB,
    SIZES,
    SIZES_KB,
    Probes,
    measured,
    told_by,
)
from experiment.ledger.invocation import LedgerError
from experiment.ledger.run_folder import run_folder_for
from experiment.parameters.checks import SettingsError
from experiment.parameters.path_resolution import shown_path
from experiment.run.wave import FanOutError
from experiment.session import open_session
from rollout.deploy.deployment import destroy, left
from rollout.errors import DeployError, RolloutError
from rollout.s3_origin import objects
from rollout.target.runtime_platform import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from experiment.session import Session
    from rollout.target.connection import Target

FUNCTION = "million-downloads-calibration"
_DONE, _FAILED, _REFUSED = 0, 1, 2
_REFUSALS = (
    *(SettingsError, LedgerError, RolloutError, FanOutError),
    *(BotoCoreError, ClientError),
)
_EPILOG = """
It makes a bucket, million-downloads-check-..., and a function in your account,
downloads some gigabytes from S3 in the same region, and removes both: about two cents.
`make aws-check` does it, too. It has never run on AWS: each step was run against the
local endpoint only, where the figures mean nothing and are not kept.

What it measures: the speed of a vCPU on each architecture, bandwidth (base, burst and
credit) at three memory sizes, cold starts, the first byte from S3, and the tail of up
to 100 executions. What it cannot tell it says, and the model keeps what it had.
"""


def run(argv: Sequence[str]) -> int:
    """Measure, write the calibration file, and return the exit status."""
    args = _parser().parse_args(argv)
    bucket = f"million-downloads-check-{uuid.uuid4().hex[:12]}"
    try:
        wanted = _wanted(args, bucket)
        settings = dict(wanted.settings())["tail"]  # all are checked
        folder = run_folder_for("calibration", settings.target, args.folder)
        with closing(open_session(settings)) as session:
            _check_absent(session.target, args.function)
            with _origin(session.target, bucket, wanted):
                return _calibrated(wanted, session, folder)
    except _REFUSALS as error:
        print(f"experiment: {' '.join(str(error).split())}", file=sys.stderr)
        return _REFUSED


def _check_absent(target: Target, name: str) -> None:
    """Refuse a name that is taken: each probe changes it, and the end removes it."""
    if there := left(target, name):
        msg = (
            f"These exist already: {', '.join(there)}. Measuring would change and then "
            "remove them. Name another function with --function, or remove them first: "
            f"rollout destroy --target aws --name {name}"
        )
        raise DeployError(msg)


def _wanted(args: argparse.Namespace, bucket: str) -> Probes:
    return Probes(
        function=args.function,
        templates={
            size: f"s3://{bucket}/{objects.FOLDER}/{size}/{{number}}.jpg"
            for size in SIZES
        },
        architectures=tuple(args.architecture or ARCHITECTURES),
        files=args.files,
        executions=args.executions,
        memories_mb=tuple(args.memory_mb or MEMORIES_MB),
        allow_private=args.allow_private,
    )


def _calibrated(wanted: Probes, session: Session, folder: Path) -> int:
    runs = {}
    try:
        for name, settings in wanted.allowed(session).settings():
            runs[name] = made = measured(settings, session, folder / name)
            print(f"measured {name}: {made.totals['wall_s']:.1f} s", flush=True)
    finally:
        destroy(session.target, wanted.function)
    figures, unknown = told_by(runs)
    for name, figure in figures.items():
        print(f"{name} = {figure.value:.4g} ({figure.low:.4g} to {figure.high:.4g})")
        for memory_mb, value in figure.by_memory:
            print(f"  at {memory_mb:,} MB: {value:.4g}")
    for name, why in unknown.items():
        print(f"unknown  {name}: {why}")
    if not figures:
        return _FAILED
    if not session.target.is_aws:
        print(f"kept     nothing: {session.target.lambda_url} is not AWS's own address")
        return _DONE
    path = file.write(
        figures,
        region=session.target.region,
        source=f"python -m experiment calibrate, runs in {shown_path(folder)}",
    )
    print(f"written  {shown_path(path)}")
    return _DONE


@contextmanager
def _origin(target: Target, name: str, wanted: Probes) -> Iterator[None]:
    """Keep files to download in a new bucket, and remove both."""
    client = target.client("s3")
    where = {"LocationConstraint": target.region}
    options = {} if target.region == HOME else {"CreateBucketConfiguration": where}
    numbered = {
        size: objects.numbered(wanted.templates[size], count)
        for size, count in wanted.counts.items()
    }
    client.create_bucket(Bucket=name, **options)
    try:
        for size, template in numbered.items():
            deque(objects.put(target, template, SIZES_KB[size] * 1_000), maxlen=0)
        yield
    finally:
        try:
            for template in numbered.values():
                deque(objects.remove(target, template), maxlen=0)
            client.delete_bucket(Bucket=name)
        except _REFUSALS as error:
            print(f"left     bucket {name}: {error}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiment calibrate",
        description="Measure in your AWS account what the model of the fleet guesses.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--function",
        default=FUNCTION,
        metavar="NAME",
        help="deployed and removed; there must be none of that name (%(default)s)",
    )
    parser.add_argument(
        "--architecture",
        action="append",
        choices=ARCHITECTURES,
        help="measure this one only",
    )
    parser.add_argument(
        "--memory-mb",
        action="append",
        type=int,
        metavar="MB",
        help="measure bandwidth at this memory only",
    )
    parser.add_argument(
        "--files",
        type=int,
        default=80,
        metavar="N",
        help="of 17 MB, to use up a line's credit (%(default)s)",
    )
    parser.add_argument(
        "--executions",
        type=int,
        default=100,
        metavar="N",
        help="compared for their tail (%(default)s)",
    )
    parser.add_argument(
        "--allow-private",
        action="store_true",
        help="S3 may be at a private address, as of a VPC endpoint",
    )
    parser.add_argument(
        "--folder", default="", help="for the runs; by default a new one in results/"
    )
    return parser
