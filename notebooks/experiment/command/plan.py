"""`python -m experiment plan`: time, dollars and what binds, before anything is run."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from experiment.command.parameter_options import add_parameters, parameters_in
from experiment.fleet.forecast_questions import question_of
from experiment.fleet.sentences import plan_in_words, sources_in_words
from experiment.parameters.checks import check_known
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.fleet import FleetSettings
from experiment.parameters.goal import GOAL_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DONE, _REFUSED = 0, 2
_EPILOG = """
No account is needed: a model of Lambda forecasts the run as if its target were AWS.
50_fleet shows the model, its sources and its errors. What you do not set is as in
50_fleet, or as in a run if FILE is of one.

Only with a list (--list or url_list) are requests sent: where it does not tell sizes,
HEAD requests for a sample of its files, eight at a time.

examples:
  python -m experiment plan -f notebooks/settings/40_million-original-aws.yaml
  python -m experiment plan --list urls.txt -p concurrency 200 -p sample 500
  python -m experiment plan --sources tail
"""


def run(argv: Sequence[str]) -> int:
    """Print the forecast of the settings, and return the exit status."""
    args = _parser().parse_args(argv)
    try:
        if args.sources is not None:
            lines = list(sources_in_words(args.sources))
        else:
            lines = list(_forecast(args))
    except (ValueError, OSError) as error:  # SettingsError, or of a template or list
        print(f"experiment: {error}", file=sys.stderr)
        return _REFUSED
    print(*lines, sep="\n")
    return _DONE


def _forecast(args: argparse.Namespace) -> Iterator[str]:
    of_file, options = parameters_in(args)
    if args.list:
        options["url_list"] = args.list
    settings, sample = settings_from(of_file, options), None
    if settings.url_list:
        from experiment.plan.size_sample import sample_for  # noqa: PLC0415 - loads aiohttp

        sample = sample_for(settings)
        yield f"list: {sample}"
    question = question_of(settings, sample=sample)
    yield from plan_in_words(question, _deadline_s(settings))


def settings_from(of_file: dict[str, Any], options: dict[str, Any]) -> FanOutSettings:
    """
    Return the settings of a fleet, or of a fan-out if the file is of one.

    The file alone decides what is the default of the rest. An option never does: a
    deadline beside the file of a fan-out asks about the same fan-out.

    Raises:
        SettingsError: If neither has a parameter, or a value cannot work.
    """
    of_both = {item.name for item in fields(FanOutSettings)}
    given = of_file | options
    check_known(given, [item.name for item in fields(FleetSettings)])
    if not of_file or not of_file.keys() <= of_both:
        return FleetSettings(**given)
    run = FanOutSettings(**{name: given[name] for name in given.keys() & of_both})
    further = {name: given[name] for name in given.keys() - of_both}
    if not further:
        return run
    asked = question_of(run, files=run.files or 1)
    same = {"comes_from": asked.source, "prefixes": asked.read_prefixes}
    return FleetSettings(**run.to_dict() | same | further)


def _deadline_s(settings: FanOutSettings) -> float:
    return settings.deadline_s if isinstance(settings, FleetSettings) else GOAL_S


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiment plan",
        description="Forecast a run on AWS: time, dollars, and the bottleneck.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_parameters(parser, "parameters of 20_fan_out, 40_million or 50_fleet, in YAML")
    parser.add_argument(
        "--list",
        metavar="URLS",
        help="a list of URLs to forecast: its length, and sizes of a sample",
    )
    parser.add_argument(
        "--sources",
        metavar="WORD",
        nargs="?",
        const="",
        help="show where every number of the model comes from, or those with WORD",
    )
    return parser
