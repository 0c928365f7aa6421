"""
Rows of a file, whatever its format: read in pieces, never held.

Tables name their columns in the first line, or else begin with a row that has a URL.
Text holds a URL a line, or URL, TAB, name. JSON lines and Parquet name what they hold.
"""

from __future__ import annotations

import json
import os
from itertools import chain
from typing import TYPE_CHECKING, Any

from fetcher.lists.columns import DEEPEST, Columns, Rows, objects_of
from fetcher.lists.delimited_text import Table, cells_of
from fetcher.lists.files.decoded_lines import TOO_LONG, Text, first_row
from fetcher.lists.files.inputs import PARQUET
from fetcher.lists.problems import UrlListError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.lists.files.inputs import Input

# `json.loads` looks at its options each time. NaN and Infinity are no JSON.
_decode = json.JSONDecoder(parse_constant=lambda _: None).raw_decode
_MARK = os.urandom(16).hex()  # between lines decoded at once: none has it
_BETWEEN = f',"{_MARK}",'

_ENCODING_MARK = "\ufeff"
_TOO_DEEP = f"has a value that is nested deeper than {DEEPEST} levels"


def rows_of(given: Input, columns: Columns) -> Iterator[Rows]:
    """
    Yield the rows of a file. Its content tells the format, or else its name.

    Raises:
        UrlListError: If it lacks a column, or is not of the format.
    """
    if given.start.startswith(PARQUET):
        from fetcher.lists.parquet import parquet_rows  # noqa: PLC0415 - pyarrow

        return parquet_rows(given, columns)
    kind, delimiter = _format_of(given, columns)
    if kind == "jsonl":
        return _json_rows(given, columns)
    if kind == "table":
        return Table(given, delimiter, columns).rows()
    if columns != Columns():
        msg = (
            f"{given.name} is read as text, a URL or URL, TAB, name a line, which has "
            "no names of columns. Leave them out, or add a first line that names them."
        )
        raise UrlListError(msg)
    return _text_rows(given)


def _format_of(given: Input, columns: Columns) -> tuple[str, str]:
    """Return ``txt``, ``jsonl`` or ``table``, and what separates a table's cells."""
    first = first_row(given.start).strip("\r\n")
    name = given.name.lower()
    for packed in (".gz", ".zst", ".xz"):
        name = name.removesuffix(packed)
    ending = name.rpartition(".")[2]
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
    if ending == "csv":
        return "table", ","
    is_header = columns.found_in(cells_of(first, "\t"))  # of one column
    return ("table", "\t") if is_header else ("txt", "")


def _blocks_of_lines(given: Input) -> Iterator[list[str]]:
    """Yield many lines at once, without those that are blank or comments."""
    file = Text(given.start, given.rest, translate=True)
    while text := file.block():
        if _ENCODING_MARK in text:  # of a file that was added to another
            text = text.replace(_ENCODING_MARK, "")
        every = text.removesuffix("\n").split("\n")
        if "#" not in text and text.split() == every:  # nearly always, of URLs alone
            yield every
            continue
        lines = [one for line in every if (one := line.strip()) and one[0] != "#"]
        given.skipped += len(every) - len(lines)
        yield lines


def _text_rows(given: Input) -> Iterator[Rows]:
    for lines in _blocks_of_lines(given):
        text = "".join(lines)
        long = (at for at, line in enumerate(lines) if line.startswith(TOO_LONG))
        problems = dict.fromkeys(long, TOO_LONG) if TOO_LONG in text else {}
        if "\t" not in text:
            yield Rows(lines, problems=problems)
            continue
        cells = [line.split("\t") for line in lines]
        urls = [row[0] for row in cells]
        names = [row[1].strip() if len(row) > 1 else "" for row in cells]
        others = (enumerate(row[2:], 3) for row in cells)
        named = ({f"column_{at}": cell for at, cell in row} for row in others)
        yield Rows(urls, names, carried=objects_of(named), problems=problems)


def _json_rows(given: Input, columns: Columns) -> Iterator[Rows]:
    """Yield rows; a column that was named must be in one that the file begins with."""
    url, is_begun = columns.url, False
    name, sha256 = columns.name or "destination", columns.sha256 or "sha256"
    wanted = {columns.url, columns.name, columns.sha256} - {""}
    for lines in _blocks_of_lines(given):
        problems: dict[int, str] = {}
        rows = _objects_in(lines) or _objects_one_by_one(lines, problems)
        if not is_begun and any(rows):
            is_begun, known = True, list(dict.fromkeys(chain.from_iterable(rows)))
            if not wanted.issubset(known):
                raise columns.missing(known, given.name)
        if not url:
            found = filter(None, map(Columns().found_in, map(list, rows)))
            url = next(found, ("",))[0]
        urls = [row.pop(url, "") for row in rows]
        for place in problems:
            urls[place] = lines[place]
        names = [row.pop(name, "") for row in rows]
        sha256s = [row.pop(sha256, "") for row in rows]
        yield Rows(urls, names, sha256s, _carried(rows, problems), problems)


def _carried(rows: list[dict[str, Any]], problems: dict[int, str]) -> list[str]:
    """Return rows as JSON; those that are nested too deeply are problems."""
    try:
        return objects_of(rows)
    except RecursionError:
        for place, row in enumerate(rows):
            try:
                objects_of([row])
            except RecursionError:
                problems[place], rows[place] = _TOO_DEEP, {}
        return objects_of(rows)


def _objects_in(lines: list[str]) -> list[dict[str, Any]]:
    """Return the objects of lines that all have one each, at a third less CPU."""
    try:
        found, _ = _decode(f"[{_BETWEEN.join(lines)}]")
    except (ValueError, RecursionError):
        return []
    rows, marks = found[::2], [_MARK] * (len(lines) - 1)
    is_each = len(rows) == len(lines) and found[1::2] == marks
    return rows if is_each and set(map(type, rows)) == {dict} else []


def _objects_one_by_one(
    lines: list[str], problems: dict[int, str]
) -> list[dict[str, Any]]:
    """Return the same of any lines, an empty object for one that is none."""
    rows: list[dict[str, Any]] = []
    for line in lines:
        fields: object = None
        try:
            fields, end = _decode(line)
            is_more = end < len(line)
            why = (
                f"Extra data after character {end}"
                if is_more
                else type(fields).__name__
            )
            problem = f"is not a JSON object: {why}"
        except ValueError as error:
            problem, end = f"is not a JSON object: {error}", 0
        except RecursionError:
            problem, end = _TOO_DEEP, 0
        if isinstance(fields, dict) and end == len(line):
            rows.append(fields)
            continue
        problems[len(rows)] = TOO_LONG if line.startswith(TOO_LONG) else problem
        rows.append({})
    return rows
