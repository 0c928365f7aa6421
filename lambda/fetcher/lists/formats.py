"""
Rows of a file, whatever its format: read in pieces, never held.

Tables name their columns in the first line, or else begin with a row that has a URL.
Text holds a URL a line, or URL, TAB, name. JSON lines and Parquet name what they hold.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fetcher.lists.columns import Columns, Rows
from fetcher.lists.inputs import block_of
from fetcher.lists.problems import UrlListError
from fetcher.lists.tables import Table, cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from fetcher.lists.columns import Notes
    from fetcher.lists.inputs import Input

# `json.loads` looks at its options each time. NaN and Infinity are no JSON.
_decode = json.JSONDecoder(parse_constant=lambda _: None).decode
_encode = json.JSONEncoder(default=str).encode


def rows_of(given: Input, columns: Columns, notes: Notes) -> Iterator[Rows]:
    """
    Yield the rows of a file. Its content tells the format, or else its name.

    Raises:
        UrlListError: If it lacks a column, or is not of the format.
    """
    if given.start.startswith(b"PAR1"):
        from fetcher.lists.parquet import parquet_rows  # noqa: PLC0415 - pyarrow

        return parquet_rows(given, columns, notes)
    kind, delimiter = _format_of(given, columns)
    if kind == "jsonl":
        return _json_rows(given, columns, notes)
    if kind == "table":
        return Table(given, delimiter, columns, notes).rows()
    if columns != Columns():
        msg = (
            f"{given.name} is read as text, a URL or URL, TAB, name a line, which has "
            "no names of columns. Leave them out, or add a first line that names them."
        )
        raise UrlListError(msg)
    return _text_rows(given.text(), notes)


def _format_of(given: Input, columns: Columns) -> tuple[str, str]:
    """Return ``txt``, ``jsonl`` or ``table``, and what separates a table's cells."""
    text = given.start.decode(given.encoding, "replace").lstrip("\ufeff")
    lines = (line.strip("\r\n") for line in text.splitlines())
    first = next((one for one in lines if one.strip() and one[0] != "#"), "")
    ending = _ending(given.name)
    if ending == "parquet":
        msg = f"{given.name} is no Parquet file, whatever its name says."
        raise UrlListError(msg)
    if ending in ("jsonl", "ndjson", "json") or first.startswith("{"):
        return "jsonl", ""
    for delimiter in "\t,;":
        if delimiter in first and columns.found_in(cells_of(first, delimiter)):
            return "table", delimiter
    if ending in ("tsv", "tab"):
        return "table", "\t"
    return ("table", ",") if ending == "csv" else ("txt", "")


def _ending(name: str) -> str:
    """
    Return what the name ends in, compression apart.

    >>> _ending("s3://b/a.CSV.gz"), _ending("urls")
    ('csv', 'urls')
    """
    for packed in (".gz", ".zst", ".xz"):
        name = name.lower().removesuffix(packed)
    return name.rpartition(".")[2]


def _lines_in(text: str, notes: Notes) -> list[str]:
    """Return the lines of a block that are not blank or comments."""
    every = text.removesuffix("\n").split("\n")
    lines = [one for line in every if (one := line.strip()) and one[0] != "#"]
    notes.skipped += len(every) - len(lines)
    return lines


def _text_rows(file: TextIO, notes: Notes) -> Iterator[Rows]:
    while text := block_of(file):
        lines = _lines_in(text, notes)
        if "\t" not in text:
            yield Rows(lines)
            continue
        cells = [line.split("\t") for line in lines]
        yield Rows(
            [row[0] for row in cells],
            [row[1].strip() if len(row) > 1 else "" for row in cells],
            carried=[_unnamed(row[2:]) for row in cells],
        )


def _unnamed(cells: Sequence[str]) -> str:
    """
    Return cells of a text line, after URL and name, as columns.

    >>> _unnamed(["a cat"])
    '{"column_3": "a cat"}'
    """
    named = {f"column_{at}": cell for at, cell in enumerate(cells, 3)}
    return _encode(named) if named else ""


def _json_rows(given: Input, columns: Columns, notes: Notes) -> Iterator[Rows]:
    """Yield rows; a column that was named must be in one that the file begins with."""
    file, url_key = given.text(), columns.url
    names: dict[str, None] | None = {}  # of the first block's columns, in order
    others = columns.name or "destination", columns.sha256 or "sha256"
    while text := block_of(file):
        rows: list[tuple[Any, Any, Any, str]] = []
        problems: dict[int, str] = {}
        for line in _lines_in(text, notes):
            try:
                fields = _decode(line)
                wrong = "" if isinstance(fields, dict) else type(fields).__name__
            except (ValueError, RecursionError) as error:
                wrong = str(error)
            if wrong:
                problems[len(rows)] = f"is not a JSON object: {wrong}"
                rows.append((line, "", "", ""))
                continue
            if names is not None:
                names |= dict.fromkeys(fields)
            if not url_key and (found := Columns().found_in(list(fields))):
                url_key = found[0]
            url, name, sha256 = (fields.pop(key, "") for key in (url_key, *others))
            rows.append((url, name, sha256, _encode(fields) if fields else ""))
        if names:
            wanted = {columns.url, columns.name, columns.sha256} - {""}
            if wanted - names.keys():
                raise columns.missing(list(names), given.name)
            names = None
        if rows:
            urls, destinations, sha256s, carried = zip(*rows, strict=True)
            yield Rows(urls, destinations, sha256s, carried, problems)
