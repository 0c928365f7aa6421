"""URL lists that people write: checked whole, line by line, before any is fetched."""

from __future__ import annotations

import csv
import json
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from fetcher import guard
from fetcher.sinks.directory import name_of
from fetcher.source import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO, TypeAlias

    Lines: TypeAlias = Iterator[tuple[int, str]]  # line number from 1, its text
    Rows: TypeAlias = Iterator[tuple[int, dict[str, Any]]]  # line number, fields

_MAX_LINE = 65_536  # bytes: far above any URL, destination and digest together
_PROBLEMS_NAMED = 10
_SHA256_DIGITS = 64


class UrlListError(ValueError):
    """The list cannot be used; says which lines and why."""


class UrlList:
    """
    A file of URLs: iterating yields `fetcher.source.Item`, numbered from 0.

    Plain text holds one URL a line, or URL, TAB, destination. ``.csv`` and ``.jsonl``
    name their columns: ``url``, and if wanted ``destination`` and ``sha256``.

    The file is read twice, never held: once to check every line, then to fetch.

    Args:
        path: The file, in UTF-8.

    Raises:
        UrlListError: If any line is blank, too long, not UTF-8, not a URL that can be
            fetched, or repeats the URL of another or the name it is stored under; or
            if it is no file that can be read twice.

        OSError: If the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            msg = f"{path} is not a file; the list is read twice, so save it to one."
            raise UrlListError(msg)
        self._path = path
        self._many = 0
        self._check()

    def __len__(self) -> int:
        return self._many

    def __iter__(self) -> Iterator[Item]:
        read = 0
        for _, fields in self._rows():
            yield _item(read, fields)
            read += 1
        if read != self._many:
            msg = f"{self._path} changed while its URLs were fetched."
            raise UrlListError(msg)

    def _check(self) -> None:
        problems = _Problems(self._path)
        repeats = _Repeats()
        for line, fields in self._rows(problems):
            self._many += 1
            wrong = _wrong_in(fields) or repeats.check(_item(0, fields), line)
            if wrong:
                problems.add(line, wrong)
        if not (self._many or problems.many):
            problems.add(1, "there are no URLs in the file")
        problems.raise_if_any()

    def _rows(self, problems: _Problems | None = None) -> Rows:
        """Yield line numbers, from 1, and the fields found there."""
        parse = _PARSERS.get(self._path.suffix.lower(), _parse_text)
        with self._path.open("rb") as file:
            yield from parse(_lines(file, problems), problems)


class _Problems:
    """What is wrong with a list, gathered so that one look mends it all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.many = 0
        self._named: list[str] = []

    def add(self, line: int, wrong: str) -> None:
        self.many += 1
        if len(self._named) < _PROBLEMS_NAMED:
            self._named.append(f"  line {line:,}: {wrong}")

    def raise_if_any(self) -> None:
        if not self.many:
            return
        lines = "problem" if self.many == 1 else "problems"
        more = self.many - len(self._named)
        rest = f"\n  ... and {more:,} more" if more else ""
        named = "\n".join(self._named)
        msg = (
            f"{self._path}: {self.many:,} {lines}; nothing was fetched.\n{named}{rest}"
        )
        raise UrlListError(msg)


def _lines(file: BinaryIO, problems: _Problems | None) -> Lines:
    """Yield numbered lines that are text; note the others, if notes are taken."""
    number = 0
    while raw := file.readline(_MAX_LINE + 1):
        number += 1
        if len(raw) > _MAX_LINE:
            length = len(raw) + (0 if raw.endswith(b"\n") else _skip_line(file))
            wrong = f"is {length:,} bytes long; at most {_MAX_LINE:,} are read"
        elif not raw.strip():
            wrong = "is blank; remove it"
        else:
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
                continue
            except UnicodeDecodeError as error:
                wrong = f"is not UTF-8: {error.reason} at byte {error.start + 1}"
        if problems:
            problems.add(number, wrong)


def _skip_line(file: BinaryIO) -> int:
    skipped = 0
    while raw := file.readline(_MAX_LINE):
        skipped += len(raw)
        if raw.endswith(b"\n"):
            break
    return skipped


def _parse_text(lines: Lines, _problems: _Problems | None) -> Rows:
    for number, line in lines:
        url, _, destination = line.rstrip("\r\n").partition("\t")
        yield number, {"url": url, "destination": destination}


def _parse_jsonl(lines: Lines, problems: _Problems | None) -> Rows:
    for number, line in lines:
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            fields = error
        if isinstance(fields, dict):
            yield number, fields
        elif problems:
            found = fields if isinstance(fields, Exception) else type(fields).__name__
            problems.add(number, f"is not a JSON object: {found}")


def _parse_csv(lines: Lines, problems: _Problems | None) -> Rows:
    header: list[str] = []
    for number, line in lines:
        try:
            (row,) = csv.reader([line], strict=True)
        except csv.Error as error:
            if problems:
                problems.add(number, f"is not CSV: {error}")
            continue
        if not header:
            header = row
            if "url" not in header:
                if problems:
                    problems.add(number, "names no column url; the first line must")
                return
        elif len(row) == len(header):
            yield number, dict(zip(header, row, strict=True))
        elif problems:
            problems.add(number, f"has {len(row)} fields; the header has {len(header)}")


_PARSERS: dict[str, Callable[[Lines, _Problems | None], Rows]] = {
    ".csv": _parse_csv,
    ".jsonl": _parse_jsonl,
}


def _item(number: int, fields: dict[str, Any]) -> Item:
    return Item(
        number,
        fields["url"],
        fields.get("destination") or "",
        fields.get("sha256") or "",
    )


def _wrong_in(fields: dict[str, Any]) -> str:
    """Say what is wrong with a line taken by itself; nothing if it is right."""
    for name in ("url", "destination", "sha256"):
        value = fields.get(name)
        if not isinstance(value, str | None):
            return f"{name} is a {type(value).__name__}; it must be text"
    try:
        guard.check_url(fields.get("url") or "")
    except guard.BadUrlError as error:
        return str(error)
    digest = fields.get("sha256") or ""
    if digest and not _is_sha256(digest):
        return f"sha256 is {digest[:80]!r}; it must be {_SHA256_DIGITS} hex digits"
    return ""


def _is_sha256(text: str) -> bool:
    return len(text) == _SHA256_DIGITS and set(text.lower()) <= set("0123456789abcdef")


class _Repeats:
    """
    Which lines were first to hold a URL, and a name to store it under.

    Hashes of 64 bits stand for the texts: they take less room.
    """

    def __init__(self) -> None:
        self._urls: dict[int, int] = {}
        self._names: dict[int, int] = {}
        self._folders: dict[int, int] = {}

    def check(self, item: Item, line: int) -> str:
        """Say which earlier line this one repeats; nothing if it does not."""
        first = self._urls.setdefault(hash(item.url), line)
        if first != line:
            return f"repeats the URL of line {first:,}"
        name = name_of(item)
        first = self._names.setdefault(hash(name), line)
        if first != line:
            return f"would be stored under the same name as line {first:,}: {name}"
        return self._check_folders(name, line)

    def _check_folders(self, name: str, line: int) -> str:
        """Refuse what would have to be a file and a folder at once."""
        clash = self._folders.get(hash(name))
        for parent in accumulate(name.split("/")[:-1], "{}/{}".format):
            self._folders.setdefault(hash(parent), line)
            clash = clash or self._names.get(hash(parent))
        if not clash:
            return ""
        return (
            f"would be stored as {name}, which line {clash:,} makes impossible: one "
            "needs as a folder what the other has as a file; give one a destination"
        )
