"""One folder per run: appended to while it goes, readable whatever happened."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.display import Image

from experiment.ledger.fingerprint import fingerprint
from experiment.ledger.invocation import SCHEMA, LedgerError, check_schema
from experiment.ledger.machine import commit, machine, root
from experiment.ledger.reports import Reports, no_room
from experiment.parameters.fan_out import FanOutSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from matplotlib.figure import Figure

    from experiment.ledger.invocation import Invocation
    from experiment.parameters.settings import Settings

_RUN = "run.json"
_DPI = 120
# What a run downloads, and where to: who continues it may change the rest.
_SAME = ("target", "url_template", "files", "file_kb", "sink", "sink_path")


class Run:
    """
    A run's folder, open for writing. Made by `open_run`.

    Attributes:
        name: The folder's name.

        folder: Where it is.

        record: What ``run.json`` holds.
    """

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.folder = folder
        self.name = folder.name
        self.record = record
        self._reports = Reports(folder)
        self._save()

    @property
    def session(self) -> int:
        """How often the run was continued."""
        return len(self.record.get("continued", ()))

    def append(self, invocation: Invocation, answer: bytes = b"") -> None:
        """Keep what became of a shard: see `Reports.append`."""
        self._reports.append(invocation, answer)

    def absorb(self, folder: Path) -> None:
        """Take in the lines of another run, a cell of this grid."""
        self._reports.absorb(folder)

    def save_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table as ``<name>.parquet``."""
        with self.saved(f"{name}.parquet") as aside:
            table.to_parquet(aside, index=False)

    def save_chart(self, name: str, figure: Figure) -> Image:
        """Write a chart as ``<name>.png``; return that picture, to be shown."""
        with self.saved(f"{name}.png") as aside:
            figure.savefig(aside, dpi=_DPI, format="png")
        alt = figure.axes[0].get_title(loc="left")
        return Image(self.folder / f"{name}.png", alt=alt)

    @contextmanager
    def saved(self, name: str) -> Iterator[Path]:
        """
        Lend a path to write to; what is there in the end becomes the file, whole.

        Raises:
            LedgerError: If the disk is full. What the file held before is still there.
        """
        path = self.folder / name
        aside = path.with_name(f"{name}.part")
        try:
            yield aside
            aside.replace(path)
        except OSError as error:
            raise no_room(path, error) from error
        finally:
            aside.unlink(missing_ok=True)

    def close(self, *, verdict: str) -> None:
        """Write down how it ended."""
        self._reports.close()
        self.record |= {"ended": _now(), "verdict": verdict}
        self._save()

    def _save(self) -> None:
        with self.saved(_RUN) as aside:
            text = json.dumps(self.record, indent=2, ensure_ascii=False)
            aside.write_text(f"{text}\n")


def open_run(notebook: str, settings: Settings, folder: Path, *, region: str) -> Run:
    """
    Start a run's folder, or open it to continue the run, if the settings say so.

    Nobody else can write to it until the run is closed, or this process has ended.

    Args:
        notebook: As in ``20_fan_out``.

        settings: What is going to be measured.

        folder: Made by `run_folder_for`.

        region: Where it runs.

    Raises:
        LedgerError: If the folder already holds a run, or does not hold the one to
            continue; or if another process is at it.
    """
    now = {"started": _now(), **commit()}
    if isinstance(settings, FanOutSettings) and settings.continues:
        return Run(folder, _continued(check_continues(folder, settings), settings, now))
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
        record["url_list"] = fingerprint(Path(settings.url_list))
    return Run(folder, record)


def _continued(
    record: dict[str, Any], settings: FanOutSettings, now: dict[str, Any]
) -> dict[str, Any]:
    """Return the record of a run that goes on, and what was set before."""
    before = record["settings"]
    record["settings"] = settings.to_dict()
    was = {
        name: value
        for name, value in before.items()
        if value != record["settings"].get(name)
    }
    record.setdefault("continued", []).append({**now, "settings_before": was})
    for name in ("ended", "totals", "verdict"):
        record.pop(name, None)
    return record


def check_continues(folder: Path, settings: FanOutSettings) -> dict[str, Any]:
    """
    Return a run's record, if going on with these settings continues it.

    Raises:
        LedgerError: If it is no run, or of other files.
    """
    record = read_run(folder)
    before = record["settings"]
    for name in _SAME:
        if (wanted := getattr(settings, name)) != before.get(name):
            msg = (
                f"{folder} cannot be continued: its {name} is {before.get(name)!r}, "
                f"and {wanted!r} is set now. Set what was set then, or begin another "
                "run in another run_folder."
            )
            raise LedgerError(msg)
    if settings.url_list or "url_list" in record:
        found = fingerprint(Path(settings.url_list)) if settings.url_list else None
        if found != record.get("url_list"):
            msg = (
                f"{folder} cannot be continued: {settings.url_list or 'an origin'} is "
                f"not the list it began with, {before['url_list']}, or has changed."
            )
            raise LedgerError(msg)
    return record


def name_of_run(folder: Path) -> str:
    """
    Return what executions know a run by: of a grid's cell, the grid's name, too.

    It stays when the folder is called otherwise, for so are tars in S3.
    """
    if (folder / _RUN).exists():
        return str(read_run(folder).get("known_as", folder.name))
    is_cell = (folder.parent / _RUN).exists()
    return f"{folder.parent.name}/{folder.name}" if is_cell else folder.name


def run_folder_for(notebook: str, target: str, wanted: str = "") -> Path:
    """
    Return the folder wanted, or a new ``results/<UTC time>-<notebook>-<target>``.

    Raises:
        LedgerError: If the one wanted already holds a run.
    """
    if wanted:
        _refuse_used(Path(wanted))
        return Path(wanted)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    plain = folder = root() / "results" / f"{stamp}-{notebook}-{target}"
    more = 1
    while folder.exists():
        more += 1
        folder = plain.with_name(f"{plain.name}-{more}")
    return folder


def read_run(folder: Path) -> dict[str, Any]:
    """
    Return a run's record.

    Raises:
        LedgerError: If there is none, it cannot be read, or is of another schema.
    """
    try:
        record: dict[str, Any] = json.loads((folder / _RUN).read_text())
        found = record.get("schema")
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"{folder} holds no {_RUN}: it is not a run's folder."
        raise LedgerError(msg) from error
    except (ValueError, AttributeError) as error:
        msg = (
            f"{folder / _RUN} is not a run's record: {error}. It was cut off, or "
            "edited. Bring back a copy, or begin another run in another run_folder."
        )
        raise LedgerError(msg) from error
    check_schema(found, f"{folder / _RUN}")
    return record


def _refuse_used(folder: Path) -> None:
    if (folder / _RUN).exists():
        msg = (
            f"{folder} already holds a run. Set another run_folder in the notebook's "
            "parameters cell, or none; or set resume to continue it."
        )
        raise LedgerError(msg)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
