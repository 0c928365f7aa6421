"""One notebook run as a batch job, in a folder that stays only if it holds work."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from experiment.command import arguments
from experiment.ledger.invocation import LedgerError, NoRoomError
from experiment.ledger.ledger_file import check_free
from experiment.ledger.run_folder import executed_path, read_run, run_folder_for
from experiment.parameters.checks import SettingsError
from experiment.parameters.path_resolution import shown_path
from experiment.run.notebook_execution import execute
from fetcher.lists.url_list import UrlListError
from local_aws.endpoint_error import EndpointError
from origin import OriginError
from rollout.deploy.function_spec import DEFAULTS
from rollout.errors import PreflightError, TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXIT_DONE, _EXIT_FAILED, _EXIT_COULD_NOT_RUN, _EXIT_INTERRUPTED = 0, 1, 2, 130
# Errors raised before any work is done; papermill passes on only their names.
_REFUSALS = {
    kind.__name__
    for kind in (
        *(SettingsError, UrlListError, LedgerError, TargetError),
        *(EndpointError, OriginError, PreflightError),
    )
}
_PAGE = "report.html"  # `experiment.report.page.NAME`
_NOTHING_MEASURED = {"DryRun", "RunShown"}  # importing them takes a second


class _Output:
    """
    The executed notebook and its folder.

    Attributes:
        path: The notebook in it; earlier ones stay when the run is resumed.
    """

    def __init__(self, notebook: str, folder: Path, *, resumes: bool) -> None:
        self.folder = folder
        session = len(read_run(folder).get("continued", ())) + 1 if resumes else 0
        self.path = executed_path(folder, notebook, session)
        while resumes and self.path.exists():  # it failed before the run went on
            session += 1
            self.path = executed_path(folder, notebook, session)
        self._made: list[Path] = []
        self._found: set[Path] = set()

    def make(self) -> None:
        """
        Make the folder.

        Raises:
            LedgerError: If nothing can be written there, or the notebook exists.
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
                f"{self.folder} cannot be written to: {error.strerror}. Set "
                "run_folder to a new folder."
            )
            raise LedgerError(msg) from error
        if self.path in self._found:
            msg = (
                f"{self.path} exists and would be overwritten. Set another run_folder."
            )
            raise LedgerError(msg)

    @property
    def holds_work(self) -> bool:
        """Whether it holds anything beside the notebook."""
        return not set(self.folder.iterdir()) <= self._found | {self.path}

    @property
    def holds_reports(self) -> bool:
        """Whether it holds a report, of this run or of a cell of its grid."""
        return any(path.stat().st_size for path in self.folder.rglob("reports.jsonl"))

    def remove_notebook(self) -> None:
        """Remove the notebook, if the disk still allows that."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the notebook and the folders made for it."""
        self.remove_notebook()
        self._remove_folders()

    def _remove_folders(self) -> None:
        for folder in self._made:
            with suppress(OSError):  # it holds something else, or was never made
                folder.rmdir()


def run(argv: Sequence[str]) -> int:
    """Run the notebook that the arguments name and return the exit status."""
    try:
        notebook, parameters = arguments.read(argv)
        resumes = bool(parameters.get("resume") or parameters.get("retry_failed"))
        folder = _folder(notebook, parameters, resumes=resumes)
        output = _Output(notebook, folder, resumes=resumes)
        output.make()
    except (SettingsError, LedgerError) as error:
        _print_error(str(error))
        return _EXIT_COULD_NOT_RUN
    try:
        execute(notebook, output.path, parameters, stdout=sys.stdout)
    except PapermillExecutionError as error:
        return _failed(output, error)
    except NoRoomError as error:
        return _no_room(output, error)
    except DeadKernelError as error:
        _print_error(f"{error} {output.path} shows how far it came")
        return _EXIT_FAILED
    except KeyboardInterrupt:
        return _interrupted(output, parameters)
    _print_results(output.folder)
    return _EXIT_DONE


def _folder(notebook: str, parameters: dict[str, Any], *, resumes: bool) -> Path:
    """Choose the folder, and pass it to a notebook that takes one."""
    wanted = parameters.get("run_folder") or ""
    if resumes:
        if not wanted:
            msg = "Set run_folder to the run to resume."
            raise SettingsError(msg)
        read_run(Path(wanted))
        check_free(Path(wanted))
        return Path(wanted)
    folder = run_folder_for(notebook, parameters.get("target", "local"), wanted)
    if "run_folder" in parameters:
        parameters["run_folder"] = str(folder)
    return folder


def _failed(output: _Output, error: PapermillExecutionError) -> int:
    if error.ename in _NOTHING_MEASURED:
        print(error.evalue)
        output.remove()
        return _EXIT_DONE
    if error.ename == NoRoomError.__name__:
        _print_error(error.evalue)
        return _EXIT_COULD_NOT_RUN
    _print_error(f"{error.ename}: {error.evalue}")
    if error.ename in _REFUSALS and not output.holds_work:
        output.remove()
        return _EXIT_COULD_NOT_RUN
    _print_error(f"{output.path} shows where")
    _print_results(output.folder, only_with_verdict=True)
    return _EXIT_FAILED


def _no_room(output: _Output, error: NoRoomError) -> int:
    output.remove_notebook()  # it was being written, and is torn
    advice = "There are no reports yet. Make room and start again."
    if output.holds_reports:
        advice = f"The reports are kept in {output.folder}. Make room"
        if how := _how_to_resume(output.folder):
            advice += f" and {how}"
    if not output.holds_work:
        output.remove()
    _print_error(f"{error} {advice}")
    return _EXIT_COULD_NOT_RUN


def _interrupted(output: _Output, parameters: dict[str, Any]) -> int:
    if output.holds_reports:
        folder = shown_path(output.folder)
        message = f"interrupted; the reports are in {folder}"
        if how := _how_to_resume(output.folder):
            message += f"; {how}"
        else:  # a grid
            message += f"; to see a run: python -m experiment show {folder}/ITS_FOLDER"
    else:
        message = "interrupted before there was any report"
    if not output.holds_work:
        output.remove()
    if parameters.get("target") == "aws":
        name = parameters.get("function", DEFAULTS.name)
        message += (
            f"; to see what AWS still has: rollout status --target aws --name {name}"
        )
    print(f"\nexperiment: {message}")
    return _EXIT_INTERRUPTED


def _how_to_resume(folder: Path) -> str:
    """Say how to resume a run; empty: `resume` does not take it."""
    with suppress(LedgerError):
        if "resume" in read_run(folder)["settings"]:
            return f"resume with: python -m experiment resume {shown_path(folder)}"
    return ""


def _print_error(message: str) -> None:
    print(f"experiment: {message}", file=sys.stderr)


def _print_results(folder: Path, *, only_with_verdict: bool = False) -> None:
    """Print where the results are, and the verdict if there is one."""
    verdict = ""
    with suppress(LedgerError):  # deploying and tearing down measure nothing
        verdict = read_run(folder).get("verdict", "")
    if only_with_verdict and not verdict:
        return
    shown = shown_path(folder)
    print(f"run      {shown}")
    if only_with_verdict:
        _write_report(folder)  # its notebook did not come to that
    if verdict and (page := folder / _PAGE).exists():
        print(f"report   {shown_path(page)}")
    for chart in sorted(folder.glob("*.png")):
        print(f"chart    {shown / chart.name}")
    if verdict:
        print(f"verdict  {verdict}")


def _write_report(folder: Path) -> None:
    """Write the report; the run's results stand without it."""
    # It draws charts: to import that takes a second, which no refusal need wait for.
    from experiment.report.page import write_report  # noqa: PLC0415

    try:
        write_report(folder)
    except (LedgerError, OSError) as error:
        _print_error(
            f"report.html was not written: {error} To write it: "
            f"python -m experiment report {shown_path(folder)}"
        )
