"""`python -m experiment plan`: time, dollars and what binds, before anything is run."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiment.command.given import value_of
from experiment.fleet.asking import question_of
from experiment.fleet.sentences import plan_in_words
from experiment.parameters.cell import SettingsError, unknown_parameter
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.fleet import FleetSettings
from experiment.parameters.settings_file import read_settings_file
from experiment.tables.goal import GOAL_S

if TYPE_CHECKING:
    from collections.abc import Sequence

_DONE, _REFUSED = 0, 2
_EPILOG = """
No account is needed, and nothing is called: a model of Lambda forecasts the run as if
its target were AWS. 50_fleet shows the model, its sources and its errors. What you do
not set is as in 50_fleet, or as in a run if FILE is of one.

example:
  python -m experiment plan -f notebooks/settings/40_million-original-aws.yaml
"""


def run(argv: Sequence[str]) -> int:
    """Print the forecast of the settings, and return the exit status."""
    args = _parser().parse_args(argv)
    try:
        of_file = read_settings_file(args.file) if args.file else {}
        options = {name: value_of(name, text) for name, text in args.parameter}
        settings = settings_from(of_file, options)
        lines = list(plan_in_words(question_of(settings), _deadline_s(settings)))
    except ValueError as error:  # SettingsError, or of a template
        print(f"experiment: {error}", file=sys.stderr)
        return _REFUSED
    print(*lines, sep="\n")
    return _DONE


def settings_from(of_file: dict[str, Any], options: dict[str, Any]) -> FanOutSettings:
    """
    Return the settings of a fleet, or of a fan-out if the file is of one.

    The file alone decides what is the default of the rest. An option never does: a
    deadline beside the file of a fan-out asks about the same fan-out.

    Raises:
        SettingsError: If neither has a parameter, or a value cannot work.
    """
    of_both = {item.name for item in fields(FanOutSettings)}
    known = [item.name for item in fields(FleetSettings)]
    given = of_file | options
    for name in given:
        if name not in known:
            raise SettingsError(unknown_parameter(name, known))
    if not of_file or not of_file.keys() <= of_both:
        return FleetSettings(**given)
    run = FanOutSettings(**{name: given[name] for name in given.keys() & of_both})
    further = {name: given[name] for name in given.keys() - of_both}
    if not further:
        return run
    source = {"comes_from": question_of(run).source}
    return FleetSettings(**run.to_dict() | source | further)


def _deadline_s(settings: FanOutSettings) -> float:
    return settings.deadline_s if isinstance(settings, FleetSettings) else GOAL_S


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiment plan",
        description="Forecast a run on AWS: time, dollars and what binds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-f",
        dest="file",
        metavar="FILE",
        type=Path,
        help="parameters of 20_fan_out, 40_million or 50_fleet, in YAML",
    )
    parser.add_argument(
        "-p",
        dest="parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="one parameter, its value in YAML; overrides FILE",
    )
    return parser
