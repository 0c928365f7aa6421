"""
Rows of a manifest, whatever its format: read in pieces, never held.

Parquet, CSV and JSON lines name their columns; three of these matter, whatever their
names. Text holds a URL a line, or URL, TAB, destination.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from fetcher.lists.lines import BYTE_ORDER_MARK, UrlListError, blocks
from fetcher.lists.rows import TEXTS, CsvRows, ListRow, RowReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

_ROWS_AT_ONCE = 8_192
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16 and UTF-32
_SHOWN = 12  # names of columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """
    Names of a manifest's columns.

    >>> Columns(url="URL", sha256="DIGEST").named
    {'url': 'URL', 'sha256': 'DIGEST'}

    Attributes:
        url: The column of URLs.

        destination: The column of names to store files under; empty: there is none.

        sha256: The column of digests in hex; empty: there is none.
    """

    url: str = "url"
    destination: str = ""
    sha256: str = ""

    @property
    def named(self) -> dict[str, str]:
        """Our names and the manifest's, of the columns there are."""
        names = {ours: getattr(self, ours) for ours in TEXTS}
        return {ours: theirs for ours, theirs in names.items() if theirs}

    def renamed(self, rows: Iterable[ListRow]) -> Iterator[ListRow]:
        """Yield rows with our names for their columns; what is missing is None."""
        names = self.named.items()
        for number, fields, problem in rows:
            texts = {ours: fields.get(theirs) for ours, theirs in names}
            yield ListRow(number, texts, problem)


_COLUMNS_OF_TEXT = Columns(destination="destination")


def unit_of(name: str) -> str:
    """Return what the numbers of a manifest's rows count: rows or lines."""
    return "row" if _format_of(name) == "parquet" else "line"


def rows_of(path: Path, name: str, columns: Columns) -> Iterator[ListRow]:
    """
    Yield the rows of a manifest, numbered by line, or else by row, from 1.

    Args:
        path: Where it is on this machine.

        name: What it is called; the ending tells the format.

        columns: What its columns are called.

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
    return _text(path, name, kind, columns)


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


def _text(path: Path, name: str, kind: str, columns: Columns) -> Iterator[ListRow]:
    if kind == "txt":
        columns = _COLUMNS_OF_TEXT
    with _inflated(path, name) as file:
        if kind == "csv":
            yield from columns.renamed(_csv(file, name, columns))
            return
        reader = RowReader(kind)
        for block in blocks(file):
            if not block.start:
                _refuse_wide(block.data, name)
            yield from columns.renamed(reader.rows_in(block))


@contextmanager
def _inflated(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file, however it is compressed; refuse one that is not whole."""
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


def _csv(file: BinaryIO, name: str, columns: Columns) -> CsvRows:
    try:
        rows = CsvRows(_decoded(file, name))
    except csv.Error as error:
        msg = f"{name}, line 1 is not CSV: {error}"
        raise UrlListError(msg) from error
    _check_columns(rows.header, name, columns)
    return rows


def _decoded(file: BinaryIO, name: str) -> Iterator[str]:
    """Yield lines; bytes that are not UTF-8 become surrogates, noticed later."""
    for index, line in enumerate(file):
        if not index:
            _refuse_wide(line, name)
        raw = line if index else line.removeprefix(BYTE_ORDER_MARK)
        yield raw.decode(errors="surrogateescape")


def _parquet(path: Path, name: str, columns: Columns) -> Iterator[ListRow]:
    pa = pyarrow_for(name)
    from pyarrow import parquet  # noqa: PLC0415 - it is there, then

    try:
        with parquet.ParquetFile(path) as file:
            _check_columns(file.schema_arrow.names, name, columns)
            for theirs in columns.named.values():
                _check_type(pa, file.schema_arrow.field(theirs), name)
            number = 0
            for batch in file.iter_batches(
                _ROWS_AT_ONCE, columns=list(columns.named.values())
            ):
                texts = {
                    ours: _texts(pa, batch.column(theirs))
                    for ours, theirs in columns.named.items()
                }
                for row in zip(*texts.values(), strict=True):
                    number += 1
                    yield ListRow(number, dict(zip(texts, row, strict=True)))
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


def _check_columns(names: Sequence[str], name: str, columns: Columns) -> None:
    """Refuse a manifest that lacks a column."""
    lacking = [theirs for theirs in columns.named.values() if theirs not in names]
    if not lacking:
        return
    known = ", ".join(map(repr, names[:_SHOWN]))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    msg = (
        f"{name} has no column {lacking[0]!r}. It has {known or 'none'}{more}: say "
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
