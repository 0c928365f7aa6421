"""`rollout doctor`: is the account ready? Each line with how to fix it."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from rollout.cli import options
from rollout.cli.options import DONE, command
from rollout.doctor.examine import examine
from rollout.doctor.finding import NOT_OK, STATES

if TYPE_CHECKING:
    import argparse

    from rollout.cli.options import Commands

NEEDS_MENDING = 1

_EPILOG = """\
Looks, and makes nothing. Sign-in, region, permissions, how many executions, how much
memory and bandwidth the account has, buckets, and what earlier deployments left: a
line each, with the command that fixes it.

No API reports the memory limit of new accounts, so the doctor sends an invalid
CreateFunction request and reads the limit from the error.

exit status:
  0  nothing is wrong, as far as could be seen
  1  something is not ok
  2  refused, with one line on stderr that says why

examples:
  rollout doctor --target aws
  rollout doctor --target aws --profile lab --region eu-west-1 --bucket my-photos
"""


def add_parser(commands: Commands, parent: argparse.ArgumentParser) -> None:
    """Add `rollout doctor`."""
    summary = "check whether an account is ready, and how to fix what is not"
    parser = command(commands, "doctor", summary, _EPILOG, parent=parent, run=_doctor)
    what = "a bucket that runs will use"
    options.add_repeated(parser, "--bucket", "BUCKET", what)


def _doctor(arguments: argparse.Namespace) -> int:
    states: Counter[str] = Counter()
    remedies: set[str] = set()
    name, buckets = arguments.name, arguments.bucket
    for finding in examine(lambda: options.target(arguments), name, buckets):
        is_known = finding.remedy in remedies
        shown = finding._replace(remedy="as above") if is_known else finding
        sys.stdout.write(f"{shown}\n")
        sys.stdout.flush()
        states[finding.state] += 1
        remedies |= {finding.remedy} - {""}
    counts = ", ".join(f"{states[state]} {state}" for state in STATES)
    sys.stdout.write(f"\n{counts}\n")
    return NEEDS_MENDING if states[NOT_OK] else DONE
