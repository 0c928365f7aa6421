"""One folder per run: appended to while it goes, readable whatever happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from IPython.display import Image

from experiment.machine import commit, machine, root
from fetcher.shard import Report
from fetcher.source import source_from_dict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    import pandas as pd
    from matplotlib.figure import Figure

    from experiment.settings import Settings
    from fetcher.source import Source

SCHEMA = 1
_REPORTS = "reports.jsonl"
_RUN = "run.json"
_DPI = 120


class LedgerError(ValueError):
    """A run's folder cannot be used."""


class Invocation(NamedTuple):
    """
    What became of one shard. Moments are seconds since 1970 on this machine's clock.

    Attributes:
        wave, shard: Which one.

        source: What it was asked for.

        queued_at: It was ready to go.

        invoked_at: The request was sent.

        answered_at: The answer had been read, or was known not to come.

        throttles: How often Lambda said it was too busy first.

        request_id: Lambda's name for the invocation; empty: there was none.

        error: Why there is no report; empty: there is one.

        report: What the execution answered.
    """

    wave: int
    shard: int
    source: Source
    queued_at: float
    invoked_at: float
    answered_at: float
    throttles: int
    request_id: str
    error: str
    report: Report | None

    def to_json(self) -> str:
        """Return the ledger's line."""
        plain = self._asdict()
        plain["source"] = self.source.to_dict()
        plain["report"] = self.report.to_dict() if self.report else None
        return json.dumps({"schema": SCHEMA, **plain}, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Invocation:
        """
        Read a line back.

        Raises:
            ValueError: If it is torn, or of another schema.
        """
        plain = json.loads(line)
        check_schema(plain.pop("schema"), _REPORTS)
        plain["source"] = source_from_dict(plain["source"])
        if plain["report"]:
            plain["report"] = Report.from_dict(plain["report"])
        return cls(**plain)


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
        self._reports: TextIO = (folder / _REPORTS).open("x")
        self._save()

    def append(self, invocation: Invocation) -> None:
        """Write one line and push it out: from now on a crash does not lose it."""
        self._reports.write(invocation.to_json() + "\n")
        self._reports.flush()

    def absorb(self, folder: Path) -> None:
        """Take in the lines of another run, a cell of this grid."""
        self._reports.write((folder / _REPORTS).read_text())
        self._reports.flush()

    def save_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table as ``<name>.parquet``."""
        table.to_parquet(self.folder / f"{name}.parquet", index=False)

    def save_chart(self, name: str, figure: Figure) -> Image:
        """Write a chart as ``<name>.png``; return that picture, to be shown."""
        path = self.folder / f"{name}.png"
        figure.savefig(path, dpi=_DPI)
        return Image(path, alt=figure.axes[0].get_title(loc="left"))

    def close(self, *, verdict: str) -> None:
        """Write down how it ended."""
        self._reports.close()
        self.record |= {"ended": _now(), "verdict": verdict}
        self._save()

    def _save(self) -> None:
        aside = self.folder / f"{_RUN}.part"
        aside.write_text(json.dumps(self.record, indent=2, ensure_ascii=False) + "\n")
        aside.replace(self.folder / _RUN)


def open_run(notebook: str, settings: Settings, folder: Path, *, region: str) -> Run:
    """
    Start a run's folder.

    Args:
        notebook: As in ``20_fan_out``.

        settings: What is going to be measured.

        folder: Made by `run_folder_for`.

        region: Where it runs.

    Raises:
        LedgerError: If the folder already holds a run.
    """
    _refuse_used(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return Run(
        folder,
        {
            "schema": SCHEMA,
            "run": folder.name,
            "notebook": notebook,
            "target": settings.target,
            "region": region,
            "settings": settings.to_dict(),
            **commit(),
            "machine": machine(),
            "started": _now(),
        },
    )


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
        LedgerError: If there is none, or it is of another schema.
    """
    try:
        record: dict[str, Any] = json.loads((folder / _RUN).read_text())
    except FileNotFoundError as error:
        msg = f"{folder} holds no {_RUN}: it is not a run's folder."
        raise LedgerError(msg) from error
    check_schema(record.get("schema"), f"{folder / _RUN}")
    return record


def read_invocations(folder: Path) -> Iterator[Invocation]:
    """
    Yield what was appended, in the order it arrived.

    A last line that was torn by a crash counts as not written.

    Raises:
        LedgerError: If any other line cannot be read.
    """
    path = folder / _REPORTS
    with path.open() as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith("\n"):
                return
            try:
                yield Invocation.from_json(line)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                msg = f"{path}, line {number:,} cannot be read: {error}."
                raise LedgerError(msg) from error


def check_schema(found: object, what: str) -> None:
    """Refuse what was written in another layout."""
    if found != SCHEMA:
        msg = (
            f"{what} has schema {found!r}; this code reads schema {SCHEMA}. Check out "
            "the commit named in the run's run.json to read it."
        )
        raise LedgerError(msg)


def _refuse_used(folder: Path) -> None:
    if (folder / _RUN).exists():
        msg = (
            f"{folder} already holds a run. Set another run_folder in the notebook's "
            "parameters cell, or none."
        )
        raise LedgerError(msg)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
