"""
What is in the rows of a manifest, whatever its format: read in pieces, never held.

Parquet, CSV and JSON lines name their columns; of these, three are of interest, under
whatever names they have. Text holds a URL a line, or URL, TAB, destination.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.lists.lines import UrlListError, blocks, lines_of, parse_jsonl, parse_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from fetcher.lists.lines import Parser, Problems

_ROWS_AT_ONCE = 8_192
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16 and UTF-32
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OF_TEXT = {"url": "url", "destination": "destination"}
_SHOWN = 12  # names of columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """
    What a manifest calls its columns.

    Attributes:
        url: Where a file is.

        destination: What it is to be called; empty: there is no such column.

        sha256: Its digest in hex; empty: likewise.
    """

    url: str = "url"
    destination: str = ""
    sha256: str = ""

    @property
    def wanted(self) -> dict[str, str]:
        """Ours and theirs, of those that there are."""
        names = {"url": self.url, "destination": self.destination}
        names["sha256"] = self.sha256
        return {ours: theirs for ours, theirs in names.items() if theirs}


class Row(NamedTuple):
    """
    One row of a manifest.

    Attributes:
        number: Of the row, from 1; of its line, where there are lines.

        fields: By our names; what is missing is None.
    """

    number: int
    fields: dict[str, Any]


def unit_of(name: str) -> str:
    """Return what a manifest's numbers count, by the ending of its name."""
    return "row" if _format_of(name) == "parquet" else "line"


def rows_of(
    path: Path, name: str, columns: Columns, problems: Problems
) -> Iterator[Row]:
    """
    Yield the rows of a manifest; note what can be said of them only here.

    Args:
        path: Where it is on this machine.

        name: What it is called; the ending tells the format.

        columns: What its columns are called.

        problems: Takes what is wrong with a row.

    Raises:
        UrlListError: If it is not of that format, or lacks a column.
    """
    kind = _format_of(name)
    if kind == "parquet":
        return _parquet(path, name, columns)
    if kind == "txt" and columns != Columns():
        msg = (
            f"{name} is read as text, a URL or URL, TAB, destination a line, and text "
            "has no names of columns. Leave them out, or give it an ending that says "
            "what it is: .parquet, .csv or .jsonl."
        )
        raise UrlListError(msg)
    return _text(path, name, kind, columns, problems)


def _format_of(name: str) -> str:
    """
    Return the format that a name's ending stands for.

    >>> _format_of("s3://b/a.CSV.gz"), _format_of("part-0.parquet"), _format_of("a")
    ('csv', 'parquet', 'txt')
    """
    ending = _plain(name).rpartition(".")[2]
    if ending in ("json", "ndjson"):
        return "jsonl"
    return ending if ending in ("parquet", "csv", "jsonl") else "txt"


def _plain(name: str) -> str:
    return name.lower().removesuffix(".gz").removesuffix(".zst")


def _text(
    path: Path, name: str, kind: str, columns: Columns, problems: Problems
) -> Iterator[Row]:
    with _inflated(path, name) as file:
        if kind == "csv":
            yield from _csv(file, name, columns, problems)
            return
        parse: Parser = parse_jsonl if kind == "jsonl" else parse_text
        wanted = columns.wanted if kind == "jsonl" else _OF_TEXT
        for block in blocks(file):
            if not block.start:
                _refuse_wide(block.data, name)
            for number, fields in parse(lines_of(block, problems), problems):
                texts = {ours: fields.get(theirs) for ours, theirs in wanted.items()}
                yield Row(number, texts)


@contextmanager
def _inflated(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file, whatever it is compressed with; say so if it is not whole."""
    ending = name.lower().rpartition(".")[2]
    if ending == "gz":
        opened: Any = gzip.GzipFile(path)
    elif ending == "zst":
        raw = pyarrow_for(name).input_stream(str(path), compression="zstd")
        opened = BufferedReader(raw)
    else:
        opened = path.open("rb")
    with opened as file:
        try:
            yield file
        except (EOFError, OSError, zlib.error) as error:
            msg = f"{name} is not whole, or not what its name says: {error}."
            raise UrlListError(msg) from error


def _csv(
    file: BinaryIO, name: str, columns: Columns, problems: Problems
) -> Iterator[Row]:
    """Yield the rows of CSV; what is quoted may go over several lines."""
    lines = csv.reader(_decoded(file, name), strict=True)
    try:
        header = next(lines, [])
    except csv.Error as error:
        msg = f"{name}, line 1 is not CSV: {error}"
        raise UrlListError(msg) from error
    at = _positions(header, name, columns)
    while True:
        number = lines.line_num + 1
        try:
            row = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add(number, f"is not CSV: {error}")
            continue
        if len(row) == len(header):
            yield Row(number, {ours: row[index] for ours, index in at.items()})
        else:
            wrong = f"has {len(row)} fields; the header has {len(header)}"
            problems.add(number, wrong if row else "is blank; remove it")


def _decoded(file: BinaryIO, name: str) -> Iterator[str]:
    """Yield lines; bytes that are not UTF-8 become surrogates, to be found later."""
    for index, line in enumerate(file):
        if not index:
            _refuse_wide(line, name)
        raw = line if index else line.removeprefix(_BYTE_ORDER_MARK)
        yield raw.decode(errors="surrogateescape")


def _parquet(path: Path, name: str, columns: Columns) -> Iterator[Row]:
    pa = pyarrow_for(name)
    from pyarrow import parquet  # noqa: PLC0415 - it is there, then

    try:
        with parquet.ParquetFile(path) as file:
            _positions(file.schema_arrow.names, name, columns)
            for theirs in columns.wanted.values():
                _check_type(pa, file.schema_arrow.field(theirs), name)
            number = 0
            for batch in file.iter_batches(
                _ROWS_AT_ONCE, columns=list(columns.wanted.values())
            ):
                texts = {
                    ours: _texts(pa, batch.column(theirs))
                    for ours, theirs in columns.wanted.items()
                }
                for row in zip(*texts.values(), strict=True):
                    number += 1
                    yield Row(number, dict(zip(texts, row, strict=True)))
    except (pa.ArrowException, OSError) as error:
        msg = f"{name} cannot be read as Parquet: {error}"
        raise UrlListError(msg) from error


def _texts(pa: Any, column: Any) -> Sequence[Any]:  # noqa: ANN401 - pyarrow has no types
    """Return a column's texts; bytes that are not UTF-8 become surrogates."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        texts: Sequence[Any] = column.to_pylist()
    except UnicodeDecodeError:
        texts = column.cast(pa.large_binary()).to_pylist()
    return [
        text.decode(errors="surrogateescape") if isinstance(text, bytes) else text
        for text in texts
    ]


def _check_type(pa: Any, field: Any, name: str) -> None:  # noqa: ANN401 - pyarrow has no types
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    texts = pa.string(), pa.large_string(), pa.string_view()
    if kind not in (*texts, pa.binary(), pa.large_binary(), pa.null()):
        msg = f"In {name}, column {field.name!r} is of type {kind}; it must be text."
        raise UrlListError(msg)


def _positions(names: Sequence[str], name: str, columns: Columns) -> dict[str, int]:
    """Return where our columns are; refuse a manifest that lacks one."""
    wanted = columns.wanted
    lacking = [theirs for theirs in wanted.values() if theirs not in names]
    if not lacking:
        return {ours: names.index(theirs) for ours, theirs in wanted.items()}
    shown = ", ".join(map(repr, names[:_SHOWN]))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    msg = (
        f"{name} has no column {lacking[0]!r}. It has {shown or 'none'}{more}: say "
        "which of these holds the URL, and if wanted destination and sha256."
    )
    raise UrlListError(msg)


def _refuse_wide(start: bytes, name: str) -> None:
    if start.startswith(_WIDE_MARKS):
        msg = f"{name} is UTF-16 or UTF-32; save it as UTF-8."
        raise UrlListError(msg)


def pyarrow_for(name: str) -> Any:  # noqa: ANN401 - it has no types
    """
    Return pyarrow.

    Raises:
        UrlListError: If it is not installed; says what needs it.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - 70 MB that most lists can do without
    except ImportError as error:
        msg = f"{name} needs pyarrow: pip install 'million-downloads[notebooks]'."
        raise UrlListError(msg) from error
    return pa
