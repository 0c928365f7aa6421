"""Run a notebook as a batch job: parameters checked, what came out said at the end."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import papermill
import yaml
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from experiment.grid import execute
from experiment.ledger import LedgerError, read_run, run_folder_for
from experiment.machine import root
from experiment.parameters import unknown_parameter
from experiment.settings import SettingsError
from fetcher.urllist import UrlListError
from rollout.errors import EndpointError, PreflightError, TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXIT_FAILED, _EXIT_COULD_NOT_RUN, _EXIT_INTERRUPTED = 1, 2, 130
# What cells raise before any work is done; papermill passes on the names only.
_REFUSALS = {
    kind.__name__
    for kind in (
        SettingsError,
        UrlListError,
        LedgerError,
        TargetError,
        EndpointError,
        PreflightError,
    )
}
_PATHS = ("url_list", "run_folder")  # as seen from here, not from the notebooks
_EPILOG = """
The executed notebook, its charts and its tables go to a new folder in results/.

exit status: 0 done, 1 a cell failed, 2 refused before any work, 130 interrupted

example: python -m experiment 30_grid -p files 2000 -p concurrency '[1, 2, 4]'
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = _parser().parse_args(argv)
    try:
        parameters = _parameters(args)
        folder = _folder(args.notebook, parameters)
    except (SettingsError, LedgerError, OSError, yaml.YAMLError) as error:
        print(f"experiment: {error}", file=sys.stderr)
        return _EXIT_COULD_NOT_RUN
    output = folder / f"{args.notebook}.ipynb"
    try:
        execute(args.notebook, output, parameters, stdout=sys.stdout)
    except PapermillExecutionError as error:
        print(f"experiment: {error.ename}: {error.evalue}", file=sys.stderr)
        print(f"experiment: {output} shows where", file=sys.stderr)
        return _EXIT_COULD_NOT_RUN if error.ename in _REFUSALS else _EXIT_FAILED
    except DeadKernelError as error:
        print(f"experiment: {error} {output} shows how far it came", file=sys.stderr)
        return _EXIT_FAILED
    except KeyboardInterrupt:
        print(f"\nexperiment: interrupted; what was reported is in {folder}")
        return _EXIT_INTERRUPTED
    _tell(folder)
    return 0


def _parameters(args: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters given, the later ones first in rank."""
    path = root() / "notebooks" / f"{args.notebook}.ipynb"
    if not path.exists():
        there = ", ".join(sorted(p.stem for p in path.parent.glob("*.ipynb")))
        msg = f"There is no notebook {args.notebook!r}. There are: {there}."
        raise SettingsError(msg)
    known = papermill.inspect_notebook(path)
    given = _from_file(args.file) if args.file else {}
    given |= {name: yaml.safe_load(value) for name, value in args.parameter}
    for name in given:
        if name not in known:
            raise SettingsError(unknown_parameter(name, list(known)))
    for name in _PATHS:
        if given.get(name):
            given[name] = str(Path(str(given[name])).absolute())
    return {"run_folder": ""} | given if "run_folder" in known else given


def _from_file(path: Path) -> dict[str, Any]:
    given = yaml.safe_load(path.read_text()) or {}
    if not isinstance(given, dict):
        msg = f"{path} holds no parameters; write one a line, as in `files: 2000`."
        raise SettingsError(msg)
    return given


def _folder(notebook: str, parameters: dict[str, Any]) -> Path:
    """Choose the folder; a notebook that keeps a run is told to use it too."""
    wanted = parameters.get("run_folder") or ""
    folder = run_folder_for(notebook, parameters.get("target", "local"), wanted)
    if "run_folder" in parameters:
        parameters["run_folder"] = str(folder)
    return folder


def _tell(folder: Path) -> None:
    """Print where the results are, and the verdict."""
    shown = (
        folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    )
    print(f"run      {shown}")
    for chart in sorted(folder.glob("*.png")):
        print(f"chart    {shown / chart.name}")
    with suppress(LedgerError):  # one that deploys or tears down measures nothing
        print(f"verdict  {read_run(folder)['verdict']}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiment",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("notebook", metavar="NOTEBOOK", help="as in 30_grid")
    parser.add_argument(
        "-f", dest="file", metavar="FILE", type=Path, help="parameters in YAML"
    )
    parser.add_argument(
        "-p",
        dest="parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="one parameter, its value in YAML; ranks above FILE",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
