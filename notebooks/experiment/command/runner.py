"""One notebook, run in a folder of its own that stays only if there is work in it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from experiment.command import arguments
from experiment.cost.cost import DryRun
from experiment.ledger.invocation import LedgerError, NoRoomError
from experiment.ledger.reports import check_free
from experiment.ledger.run_folder import read_run, run_folder_for
from experiment.parameters.cell import SettingsError
from experiment.run.grid import execute
from fetcher.lists.url_list import UrlListError
from local_aws.errors import EndpointError
from rollout.errors import PreflightError, TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXIT_DONE, _EXIT_FAILED, _EXIT_COULD_NOT_RUN, _EXIT_INTERRUPTED = 0, 1, 2, 130
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


class _Output:
    """
    Where the executed notebook goes.

    Attributes:
        folder: The run's.

        path: The notebook in it; the run's first ones stay when it is run again.
    """

    def __init__(self, notebook: str, folder: Path, *, again: bool) -> None:
        self.folder = folder
        self.path = folder / f"{notebook}.ipynb"
        runs = 1
        while again and self.path.exists():
            runs += 1
            self.path = folder / f"{notebook}-{runs}.ipynb"
        self._made: list[Path] = []
        self._found: set[Path] = set()

    def make(self) -> None:
        """
        Make the folder.

        Raises:
            LedgerError: If nothing can be written there, or it holds such a notebook.
        """
        try:
            parents = (self.folder, *self.folder.parents)
            self._made = [folder for folder in parents if not folder.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            self._found = set(self.folder.iterdir())
            with TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            self._remove_folders()
            msg = (
                f"Nothing can be written to {self.folder}: {error.strerror}. Set "
                "run_folder to a folder that is not there yet."
            )
            raise LedgerError(msg) from error
        if self.path in self._found:
            msg = f"{self.path} exists and would be lost. Set another run_folder."
            raise LedgerError(msg)

    @property
    def holds_work(self) -> bool:
        """Whether anything was begun that a person may want to look at."""
        return not set(self.folder.iterdir()) <= self._found | {self.path}

    @property
    def holds_reports(self) -> bool:
        """Whether any execution answered, in this run or a cell of its grid."""
        return any(path.stat().st_size for path in self.folder.rglob("reports.jsonl"))

    def remove(self) -> None:
        """Remove the notebook and every folder made for it."""
        self.path.unlink(missing_ok=True)
        self._remove_folders()

    def _remove_folders(self) -> None:
        for folder in self._made:
            with suppress(OSError):  # it holds something else, or was never made
                folder.rmdir()


def run(argv: Sequence[str] | None) -> int:
    """Run the notebook that is asked for and return the exit status."""
    try:
        notebook, parameters = arguments.read(argv)
        again = bool(parameters.get("resume") or parameters.get("retry_failed"))
        folder = _folder(notebook, parameters, again=again)
        output = _Output(notebook, folder, again=again)
        output.make()
    except (SettingsError, LedgerError) as error:
        _complain(str(error))
        return _EXIT_COULD_NOT_RUN
    try:
        execute(notebook, output.path, parameters, stdout=sys.stdout)
    except PapermillExecutionError as error:
        return _failed(output, error)
    except NoRoomError as error:
        return _no_room(output, error)
    except DeadKernelError as error:
        _complain(f"{error} {output.path} shows how far it came")
        return _EXIT_FAILED
    except KeyboardInterrupt:
        return _interrupted(output)
    _tell(output.folder)
    return _EXIT_DONE


def _folder(notebook: str, parameters: dict[str, Any], *, again: bool) -> Path:
    """Choose the folder; a notebook that keeps a run is told to use it too."""
    wanted = parameters.get("run_folder") or ""
    if again:
        if not wanted:
            msg = "Set run_folder to the run that is to go on."
            raise SettingsError(msg)
        read_run(Path(wanted))
        check_free(Path(wanted))
        return Path(wanted)
    folder = run_folder_for(notebook, parameters.get("target", "local"), wanted)
    if "run_folder" in parameters:
        parameters["run_folder"] = str(folder)
    return folder


def _failed(output: _Output, error: PapermillExecutionError) -> int:
    if error.ename == DryRun.__name__:
        print(error.evalue)
        output.remove()
        return _EXIT_DONE
    if error.ename == NoRoomError.__name__:
        _complain(error.evalue)
        return _EXIT_COULD_NOT_RUN
    _complain(f"{error.ename}: {error.evalue}")
    if error.ename in _REFUSALS and not output.holds_work:
        output.remove()
        return _EXIT_COULD_NOT_RUN
    _complain(f"{output.path} shows where")
    _tell(output.folder, in_any_case=False)
    return _EXIT_FAILED


def _no_room(output: _Output, error: NoRoomError) -> int:
    output.path.unlink(missing_ok=True)  # it was being written, and is torn
    said = "Nothing was reported yet. Make room, and begin again."
    if output.holds_reports:
        said = f"What was reported is kept in {output.folder}. Make room"
        if _can_go_on(output.folder):
            said += f", and go on: python -m experiment resume {output.folder}"
    if not output.holds_work:
        output.remove()
    _complain(f"{error} {said}")
    return _EXIT_COULD_NOT_RUN


def _interrupted(output: _Output) -> int:
    if output.holds_reports:
        said = f"interrupted; what was reported is in {output.folder}"
        if _can_go_on(output.folder):
            said += f"; to go on: python -m experiment resume {output.folder}"
    else:
        said = "interrupted before anything was reported"
    if not output.holds_work:
        output.remove()
    print(f"\nexperiment: {said}")
    return _EXIT_INTERRUPTED


def _can_go_on(folder: Path) -> bool:
    """Tell whether the run is one that `resume` takes."""
    try:
        return "resume" in read_run(folder)["settings"]
    except LedgerError:
        return False


def _complain(what: str) -> None:
    print(f"experiment: {what}", file=sys.stderr)


def _tell(folder: Path, *, in_any_case: bool = True) -> None:
    """Print where the results are, and the verdict; of a run that has one, or any."""
    verdict = ""
    with suppress(LedgerError):  # one that deploys or tears down measures nothing
        verdict = read_run(folder).get("verdict", "")
    if not verdict and not in_any_case:
        return
    shown = (
        folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    )
    print(f"run      {shown}")
    for chart in sorted(folder.glob("*.png")):
        print(f"chart    {shown / chart.name}")
    if verdict:
        print(f"verdict  {verdict}")
