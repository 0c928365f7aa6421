"""`python -m experiment report [RUN]` and `show RUN`: pages of runs that have ended."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from experiment.ledger.invocation import LedgerError
from experiment.ledger.run_folder import read_run
from experiment.parameters.path_resolution import resolved, shown_path
from experiment.parameters.project_root import root
from experiment.report.page import write_report
from experiment.report.redraw import redraw
from experiment.report.runs_gallery import write_overview

if TYPE_CHECKING:
    from collections.abc import Sequence

_REPORT, _SHOW = "report", "show"
_DONE, _REFUSED = 0, 2


def run(argv: Sequence[str]) -> int:
    """Write the page that the arguments ask for, and return the exit status."""
    args = _parser().parse_args(argv)
    try:
        if args.command == _SHOW:
            page = redraw(resolved(args.run))
        elif args.run:
            page = write_report(resolved(args.run))
        else:
            page = write_overview(root() / "results")
        verdict = read_run(page.parent).get("verdict", "") if args.run else ""
    except LedgerError as error:
        print(f"experiment: {error}", file=sys.stderr)
        return _REFUSED
    if args.command == _SHOW:
        for chart in sorted(page.parent.glob("*.png")):
            print(f"chart    {shown_path(chart)}")
    print(f"report   {shown_path(page)}")
    if verdict:
        print(f"verdict  {verdict}")
    return _DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiment", description="Show runs that have ended."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, how_many, about in (
        (_REPORT, "?", "write report.html of a run, or one over all runs in results/"),
        (
            _SHOW,
            None,
            "draw a run's charts again, without deploying; write its report",
        ),
    ):
        command = commands.add_parser(
            name, description=f"{about.capitalize()}.", help=about
        )
        command.add_argument(
            "run", metavar="RUN", nargs=how_many, help="the folder of a run"
        )
    return parser
