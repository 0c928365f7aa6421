"""The parameters of a comparison: which runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from experiment.ledger.invocation import LedgerError
from experiment.ledger.run_folder import read_run, runs_in
from experiment.parameters.checks import SettingsError, at_least_one, check_different
from experiment.parameters.notebook_settings import NotebookSettings
from experiment.parameters.path_resolution import resolved
from experiment.parameters.project_root import root

if TYPE_CHECKING:
    from pathlib import Path

MOST = 8  # lines that a chart can keep apart


@dataclass(frozen=True, kw_only=True)
class CompareSettings(NotebookSettings):
    """
    The runs to set side by side.

    Attributes:
        runs:
            Their folders, or the names of folders in ``results/``; the others are
            compared with the first. None: the newest.

        newest: How many, if none are named.
    """

    runs: list[str] = field(default_factory=list)
    newest: int = 4

    def _check(self) -> None:
        super()._check()
        check_different("runs", self.runs, str)
        at_least_one("newest", self.newest)
        if (many := len(self.runs) or self.newest) > MOST:
            msg = f"{many} runs are too many side by side; at most {MOST} are."
            raise ValueError(msg)

    def folders(self) -> list[Path]:
        """
        Return the folders of the runs that have ended, the first as the reference.

        Raises:
            SettingsError: If a run that is named does not exist or has not ended, or
                there is none at all.
        """
        results = root() / "results"
        if not self.runs:
            ended = [folder for folder in runs_in(results) if _has_ended(folder)]
            if not ended:
                msg = f"{results} holds no run that has ended. `make run` makes one."
                raise SettingsError(msg)
            return ended[: self.newest][::-1]
        found = [_found(results, name) for name in self.runs]
        for folder in found:
            if not _has_ended(folder):
                msg = f"{folder} is not the folder of a run that has ended. Set runs."
                raise SettingsError(msg)
        return found


def _found(results: Path, name: str) -> Path:
    """Return a folder by its path, or by its name in ``results/``."""
    for folder in (results / name, results / "published" / name):
        if folder.exists():
            return folder
    return resolved(name)


def _has_ended(folder: Path) -> bool:
    try:
        has_totals = "totals" in read_run(folder)
    except LedgerError:
        return False
    return has_totals and (folder / "shards.parquet").exists()
