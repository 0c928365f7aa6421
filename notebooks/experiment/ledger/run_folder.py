"""The folder of a run: appended to while the run goes on, readable at any time."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from IPython.display import Image

from experiment.ledger.invocation import SCHEMA, LedgerError, check_schema
from experiment.ledger.ledger_file import Reports, no_room
from experiment.ledger.list_fingerprint import fingerprint
from experiment.ledger.provenance import commit, machine
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.path_resolution import resolved
from experiment.parameters.project_root import root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from experiment.parameters.settings import Settings

_RUN = "run.json"
_DPI = 120
# What is downloaded, and where to. A resumed run may change every other setting.
_FIXED = (
    *("target", "url_template", "files", "file_kb", "sink", "sink_path"),
    *("url_column", "name_column", "sha256_column"),
)
# What a run that has ended says of itself, and one that was resumed not yet again.
_OF_THE_END = ("ended", "totals", "verdict", "forecast", "cost", "origin_requests")


class Run:
    """
    A run's folder, open for writing. Made by `open_run`.

    Attributes:
        record: The content of ``run.json``.

        reports: The ledger; once closed, others can resume the run.
    """

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.folder = folder
        self.name = folder.name
        self.record = record | {"run": folder.name}  # it may have been renamed
        self.reports = Reports(folder)
        self._save()

    @property
    def session(self) -> int:
        """How often the run was resumed."""
        return len(self.record.get("continued", ()))

    def save_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table as ``<name>.parquet``."""
        with replaced(self.folder / f"{name}.parquet") as temporary:
            table.to_parquet(temporary, index=False)

    @property
    def is_of_a_grid(self) -> bool:
        """Whether it is a cell of a grid, whose folder holds this one."""
        return (self.folder.parent / _RUN).exists()

    def save_chart(self, name: str, figure: Figure) -> Image | None:
        """
        Write a chart as ``<name>.png``; return the picture to show.

        A grid's cells have none until ``show`` draws them: together they would take
        longer than the downloads.
        """
        if self.is_of_a_grid:
            return None
        return chart_saved(self.folder, name, figure)

    def close(self, *, verdict: str) -> None:
        """Record the verdict and the end."""
        self.reports.close()
        self.record |= {"ended": utc_now(), "verdict": verdict}
        self._save()

    def _save(self) -> None:
        with replaced(self.folder / _RUN) as temporary:
            text = json.dumps(self.record, indent=2, ensure_ascii=False)
            temporary.write_text(f"{text}\n")


def chart_saved(folder: Path, name: str, figure: Figure) -> Image:
    """Write a chart as ``<name>.png`` with its title; return the picture to show."""
    alt = " ".join(figure.axes[0].get_title(loc="left").split())
    path = folder / f"{name}.png"
    with replaced(path) as temporary:
        figure.savefig(temporary, dpi=_DPI, format="png", metadata={"Title": alt})
    return Image(path, alt=alt)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """
    Lend a path to write to; when the block ends, its content replaces the file.

    Raises:
        LedgerError: If the disk is full. The file is then unchanged.
    """
    temporary = path.with_name(f"{path.name}.part")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise no_room(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def open_run(notebook: str, settings: Settings, folder: Path, *, region: str) -> Run:
    """
    Start the folder of a run, or open it again if the settings resume the run.

    No other process can write to it until `Run.reports` is closed, or this process
    ends.

    Raises:
        LedgerError: If the folder already holds a run, or does not hold the one to
            resume, or is in use by another process.
    """
    now = {"started": utc_now(), **commit()}
    if isinstance(settings, FanOutSettings) and settings.resumes:
        return Run(folder, _resumed(check_resumable(folder, settings), settings, now))
    _refuse_used(folder)
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "schema": SCHEMA,
        "run": folder.name,
        "known_as": name_of_run(folder),
        "notebook": notebook,
        "target": settings.target,
        "region": region,
        "settings": settings.to_dict(),
        "machine": machine(),
        **now,
    }
    if isinstance(settings, FanOutSettings) and settings.url_list:
        record["url_list"] = fingerprint(settings.url_list)
    return Run(folder, record)


def _resumed(
    record: dict[str, Any], settings: FanOutSettings, now: dict[str, Any]
) -> dict[str, Any]:
    """Return the record of a resumed run, with the settings it had before."""
    before = record["settings"]
    record["settings"] = settings.to_dict()
    was = {
        name: value
        for name, value in before.items()
        if value != record["settings"].get(name)
    }
    resumption = {**now, "settings_before": was}
    if (here := machine()) != record["machine"]:
        resumption["machine"] = here
    record.setdefault("continued", []).append(resumption)
    for name in _OF_THE_END:
        record.pop(name, None)
    return record


def check_resumable(folder: Path, settings: FanOutSettings) -> dict[str, Any]:
    """
    Return the record of a run, if these settings can resume it.

    Raises:
        LedgerError: If the folder holds no run, or one of other files.
    """
    record = read_run(folder)
    before = record["settings"]
    for name in _FIXED:
        if (value := getattr(settings, name)) != before.get(name, ""):
            msg = (
                f"{folder} cannot be resumed: its {name} is {before.get(name)!r}, not "
                f"{value!r}. Set the value it began with, or start another run in "
                "another run_folder."
            )
            raise LedgerError(msg)
    if settings.url_list or "url_list" in record:
        found = fingerprint(settings.url_list) if settings.url_list else None
        if found != record.get("url_list"):
            msg = (
                f"{folder} cannot be resumed: {settings.url_list or 'an origin'} is "
                f"not the list it began with, {before['url_list']}, or has changed."
            )
            raise LedgerError(msg)
    return record


def name_of_run(folder: Path) -> str:
    """
    Return the name that executions know a run by; a cell's includes its grid's.

    It stays when the folder is renamed, because tars in S3 are named after it.
    """
    if (folder / _RUN).exists():
        return str(read_run(folder).get("known_as", folder.name))
    is_cell = (folder.parent / _RUN).exists()
    return f"{folder.parent.name}/{folder.name}" if is_cell else folder.name


def run_folder_for(notebook: str, target: str, chosen: str = "") -> Path:
    """
    Return the folder chosen, or a new ``results/<UTC time>-<notebook>-<target>``.

    Raises:
        LedgerError: If the one chosen already holds a run.
    """
    if chosen:
        _refuse_used(resolved(chosen))
        return resolved(chosen)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    plain = folder = root() / "results" / f"{stamp}-{notebook}-{target}"
    number = 1
    while folder.exists():
        number += 1
        folder = plain.with_name(f"{plain.name}-{number}")
    return folder


def read_run(folder: Path) -> dict[str, Any]:
    """
    Return the record of a run.

    Raises:
        LedgerError: If there is none, or it cannot be read or has another schema.
    """
    try:
        record: dict[str, Any] = json.loads((folder / _RUN).read_text())
        found = record.get("schema")
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"{folder} holds no {_RUN}: it is not the folder of a run."
        raise LedgerError(msg) from error
    except (ValueError, AttributeError) as error:
        msg = (
            f"{folder / _RUN} is not the record of a run: {error}. It was cut off or "
            "edited. Restore a copy, or start another run in another run_folder."
        )
        raise LedgerError(msg) from error
    check_schema(found, f"{folder / _RUN}")
    return record


def runs_in(results: Path) -> list[Path]:
    """Return the folders of all runs, published ones too, the newest first."""
    found = {}
    for path in [*results.glob("*/run.json"), *results.glob("published/*/run.json")]:
        try:
            found[path.parent] = read_run(path.parent)["started"]
        except (LedgerError, KeyError):
            continue  # of another version, or torn
    return sorted(found, key=found.__getitem__, reverse=True)


def _refuse_used(folder: Path) -> None:
    if (folder / _RUN).exists():
        msg = (
            f"{folder} already holds a run. Set another run_folder in the notebook's "
            "parameters cell, or none; or set resume to resume it."
        )
        raise LedgerError(msg)


def utc_now() -> str:
    """Return the time as records have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def executed_path(folder: Path, notebook: str, session: int) -> Path:
    """Return where a session's executed notebook goes; those of earlier ones stay."""
    number = f"-{session + 1}" if session else ""
    return folder / f"{notebook}{number}.ipynb"
