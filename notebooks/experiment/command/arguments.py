"""The command line of `python -m experiment`: a notebook and its parameters."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import papermill

from experiment.command.parameter_options import add_parameters, parameters_in
from experiment.ledger.invocation import LedgerError
from experiment.ledger.run_folder import read_run
from experiment.parameters.checks import SettingsError, check_known
from experiment.parameters.path_resolution import resolved
from experiment.parameters.project_root import root
from fetcher.contract.options import check_one_of
from fetcher.s3.urls import SCHEME
from rollout.target.connection import NAMES as TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RESUME = "resume"  # in place of a notebook; also a parameter
# Relative to the working directory, not to the notebooks.
_PATHS = ("url_list", "run_folder", "show")
_EPILOG = """
notebooks: {names}
`python -m experiment NOTEBOOK --help` lists a notebook's parameters.

The executed notebook, its charts and its tables go to a new folder in results/, and so
does report.html, the run as one page to send.

in place of NOTEBOOK:
  resume RUN     go on with an interrupted run: fetch URLs without an outcome, with its
                 own parameters but for -p; with -p retry_failed true, failed ones, too
  report [RUN]   write report.html again; without RUN, one page over all runs
  show RUN       draw all charts of a run again, too
  plan           forecast a run on AWS: time, dollars, bottleneck, in a second
  calibrate      measure in your AWS account what plan has to guess, for two cents

exit status: 0 done, 1 a cell failed, 2 refused before any work or no room for the
results, 130 interrupted

examples:
  python -m experiment 30_grid -p files 2000 -p concurrency '[1, 2, 4]'
  python -m experiment resume results/20261124T001500Z-20_fan_out-local
  python -m experiment report results/20261124T001500Z-20_fan_out-local
"""


def read(words: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """
    Return the name of the notebook and its parameters; `-p` overrides `-f`.

    Raises:
        SettingsError: If there is no such notebook or parameter, or a value cannot be
            read.

        LedgerError: If the run to resume is none, or of a notebook that has no resume.
    """
    parser = _parser(words)
    args = parser.parse_args(words)
    if (args.notebook == _RESUME) != (args.run is not None):
        parser.error(f"RUN is required after {_RESUME}, and allowed only there")
    of_file, options = parameters_in(args)
    parameters = of_file | options
    if args.run:
        notebook, before = _interrupted(resolved(str(args.run)))
        return notebook, _checked(notebook, before | parameters)
    names = _names()
    if args.notebook not in names:
        msg = f"There is no notebook {args.notebook!r}. There are: {', '.join(names)}."
        raise SettingsError(msg)
    return args.notebook, _checked(args.notebook, parameters)


def _interrupted(run: Path) -> tuple[str, dict[str, Any]]:
    """Return the notebook of a run, and the parameters that resume it."""
    record = read_run(run)
    notebook, before = record["notebook"], record["settings"]
    if _RESUME not in before:
        msg = (
            f"{run} is a run of {notebook}, which cannot be resumed. Each cell of a "
            "grid can: name its folder."
        )
        raise LedgerError(msg)
    with suppress(LedgerError):
        # A cell's endpoint, origin and function were its grid's, and ended with it.
        grid = read_run(run.absolute().parent)["settings"]
        before |= {name: grid[name] for name in ("endpoint_url", "origin_url")}
        before["tear_down"] = True
    resuming = {"run_folder": str(run), _RESUME: True, "retry_failed": False}
    # What the file said is among the settings already, and the file may be gone.
    done = {name: "" for name in ("settings_file", "show") if name in before}
    return notebook, before | done | resuming


def _checked(notebook: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Refuse unknown parameters and targets, and make paths absolute."""
    known = papermill.inspect_notebook(root() / "notebooks" / f"{notebook}.ipynb")
    check_known(parameters, known)
    try:
        check_one_of("target", parameters.get("target", TARGETS[0]), TARGETS)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    for name in _PATHS:
        value = str(parameters.get(name) or "")
        if value and not value.startswith(SCHEME):
            parameters[name] = str(Path(value).absolute())
    return {"run_folder": ""} | parameters if "run_folder" in known else parameters


def _defaults(notebook: str) -> Iterator[str]:
    """Yield a line for each parameter: its default, and what it is."""
    known = papermill.inspect_notebook(root() / "notebooks" / f"{notebook}.ipynb")
    for name, one in known.items():
        yield f"  {name} = {one['default']}  {one['help']}".rstrip()


def _names() -> list[str]:
    return sorted(path.stem for path in (root() / "notebooks").glob("*.ipynb"))


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser, whose help is about the notebook that comes first, if any."""
    names = f"\n{' ' * 11}".join(wrap(", ".join(_names()), 76))
    epilog = _EPILOG.format(names=names)
    if words[:1] and words[0] in _names() and {"-h", "--help"} & set(words):
        epilog = "\n".join((f"parameters of {words[0]}:", *_defaults(words[0])))
    parser = argparse.ArgumentParser(
        prog="python -m experiment",
        description="Run a notebook as a batch job.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "notebook", metavar="NOTEBOOK", help="such as 30_grid; see below"
    )
    parser.add_argument(
        "run", metavar="RUN", type=Path, nargs="?", help="the folder of a run to resume"
    )
    add_parameters(parser, "parameters in YAML")
    return parser
