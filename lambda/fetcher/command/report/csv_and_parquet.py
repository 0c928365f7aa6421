"""
Reports as CSV or Parquet: made of JSON lines when all has ended, and read back.

Columns that the list carries keep their types in Parquet where all values have one;
what is mixed or nested is JSON. In CSV, what is no text is written as in JSON.
"""

from __future__ import annotations

import csv
import json
from contextlib import closing
from importlib.util import find_spec
from itertools import chain, islice
from types import NoneType
from typing import TYPE_CHECKING, Any

from fetcher.command.report.json_lines import FIELDS, fields_of
from fetcher.contract.carried_columns import LONGEST_TOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

Row = dict[str, Any]

TABLES = (".csv", ".parquet")
_OTHERS = {  # formats that a report is not written in
    *(".tsv", ".tab", ".json", ".txt", ".xls", ".xlsx", ".feather", ".arrow", ".orc"),
    *(".gz", ".zst", ".xz", ".bz2", ".zip"),
}
_ESCAPED = "backslashreplace"  # what UTF-8 cannot spell: halves of surrogate pairs

csv.field_size_limit(LONGEST_TOLD)

_ROWS_AT_ONCE = 10_000
_NUMBERS = range(-(2**63), 2**63)
_AS_THEY_ARE = frozenset({str, int, float, NoneType})  # in CSV
_EXACT = range(-(2**53), 2**53)  # as floating-point numbers, too


class _Large(int):
    """Stands for whole numbers that floating-point ones do not hold exactly."""


_TYPES: dict[frozenset[type], type] = {
    frozenset({bool}): bool,
    frozenset({int}): int,
    frozenset({_Large}): int,
    frozenset({int, _Large}): int,
    frozenset({float}): float,
    frozenset({int, float}): float,
    frozenset({str}): str,
    frozenset(): str,  # nothing but nulls
}


def is_table(path: Path) -> bool:
    """
    Tell whether a report of this name is a table.

    Raises:
        ValueError: If it is, and what writes it is not installed; or if it promises a
            format that no report has.
    """
    ending = path.suffix.lower()
    if ending in _OTHERS:
        msg = (
            f"--report {path} ends in {ending}, which no report is written as: name a "
            "file that ends in .jsonl, .csv or .parquet."
        )
        raise ValueError(msg)
    if ending == ".parquet" and not find_spec("pyarrow"):
        msg = (
            f"--report {path} needs pyarrow, which is not installed: pip install "
            "pyarrow, or name a file that ends in .csv or .jsonl."
        )
        raise ValueError(msg)
    return ending in TABLES


def write_table(
    path: Path, lines: Callable[[], Iterable[bytes]], *, is_csv: bool
) -> None:
    """
    Write the lines of a report as CSV, or else Parquet.

    They are asked for again if later ones carry other columns than the first.
    """
    seen: dict[str, set[type]] = {}
    while True:
        blocks = _blocks(map(json.loads, lines()))
        rows = next(blocks, [])
        _look(rows, seen)
        columns = dict(FIELDS) | _columns(seen, is_csv=is_csv)
        with closing((_Csv if is_csv else _Parquet)(path, columns)) as table:
            while rows:
                table.write(rows)
                rows = next(blocks, [])
                _look(rows, seen)
                if not columns.items() >= _columns(seen, is_csv=is_csv).items():
                    break
            else:
                return
        for rows in blocks:
            _look(rows, seen)


def lines_of(path: Path) -> Iterator[bytes]:
    """
    Yield the lines that a table was made of.

    Raises:
        ValueError: If it is not a table of a report.
    """
    is_csv = path.suffix.lower() == ".csv"
    try:
        yield from map(_line, (_csv_rows if is_csv else _parquet_rows)(path))
    except (ValueError, TypeError, csv.Error) as error:
        msg = (
            f"--report {path} is there already, but it is not a report. Name another "
            "file, or remove this one."
        )
        raise ValueError(msg) from error


def _line(row: Row) -> bytes:
    line = json.dumps(row).encode() + b"\n"
    if fields_of(line) is None:
        raise ValueError(line)
    return line


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    return iter(lambda: list(islice(rows, _ROWS_AT_ONCE)), [])


def _look(rows: list[Row], seen: dict[str, set[type]]) -> None:
    """Add the types of what rows carry to those seen, by column."""
    names = dict.fromkeys(chain.from_iterable({tuple(row): None for row in rows}))
    for name in (one for one in names if one not in FIELDS):
        values = [row.get(name) for row in rows]
        kinds = set(map(type, values)) - {NoneType}
        if int in kinds:
            kinds.remove(int)
            kinds.update(_whole_kind(one) for one in values if type(one) is int)
        seen[name] = seen.get(name, set()) | kinds


def _whole_kind(number: int) -> type:
    if number in _EXACT:
        return int
    return _Large if number in _NUMBERS else object


def _columns(seen: dict[str, set[type]], *, is_csv: bool) -> dict[str, type]:
    """Return the columns that hold what was seen, each with its type."""
    if is_csv:
        return dict.fromkeys(seen, str)
    return {name: _TYPES.get(frozenset(kinds), object) for name, kinds in seen.items()}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) or value is None else json.dumps(value)


def _cell(value: object) -> object:
    return value if type(value) in _AS_THEY_ARE else _text(value)


class _Csv:
    def __init__(self, path: Path, columns: dict[str, type]) -> None:
        # A path or caption may hold what is no text; the rest is to be read.
        self._file = path.open("w", encoding="utf-8", newline="", errors=_ESCAPED)
        self._names = list(columns)
        self._rows = csv.writer(self._file)
        self._rows.writerow(self._names)

    def write(self, rows: list[Row]) -> None:
        columns = (self._column(rows, name) for name in self._names)
        self._rows.writerows(zip(*columns, strict=True))

    def close(self) -> None:
        self._file.close()

    @staticmethod
    def _column(rows: list[Row], name: str) -> Iterable[object]:
        values = (row.get(name) for row in rows)
        return values if name in FIELDS else map(_cell, values)


class _Parquet:
    def __init__(self, path: Path, columns: dict[str, type]) -> None:
        import pyarrow as pa  # noqa: PLC0415 - optional, and slow to load
        from pyarrow import parquet  # noqa: PLC0415

        kinds = {
            bool: pa.bool_(),
            int: pa.int64(),
            float: pa.float64(),
            str: pa.string(),
            object: pa.string(),
        }
        self._pa = pa
        self._columns = columns
        self._schema = pa.schema(
            [(_utf8(name), kinds[columns[name]]) for name in columns]
        )
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: list[Row]) -> None:
        arrays = [
            self._array([row.get(name) for row in rows], name) for name in self._columns
        ]
        self._writer.write_table(self._pa.table(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()

    def _array(self, values: list[Any], name: str) -> Any:  # noqa: ANN401 - pyarrow's
        if self._columns[name] is object:
            values = list(map(_text, values))
        kind = self._schema.field(_utf8(name)).type
        try:
            return self._pa.array(values, kind)
        except UnicodeEncodeError:  # half of a surrogate pair is no UTF-8
            return self._pa.array([text and _utf8(text) for text in values], kind)


def _utf8(text: str) -> str:
    """Return a text that UTF-8 can spell: halves of surrogate pairs escaped."""
    return text.encode(errors=_ESCAPED).decode()


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    try:
        for batch in parquet.ParquetFile(path).iter_batches(_ROWS_AT_ONCE):
            yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise ValueError(path) from error


def _csv_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="", errors="surrogateescape") as file:
        rows = csv.DictReader(file, strict=True)
        if list(rows.fieldnames or ())[: len(FIELDS)] != list(FIELDS):
            raise csv.Error(path)
        for row in rows:
            yield {name: _value(name, text) for name, text in row.items()}


def _value(name: str, text: str) -> object:
    """Return what a cell of CSV stands for."""
    kind = FIELDS.get(name, str)
    if kind is str:
        return text
    return kind(text) if text else None
