"""
Conversion of a manifest, as other tools write them, into a list for runs.

The manifest, Parquet included, is read once, in flat memory, and every row is checked
before anything is fetched. The list is in JSON lines, as
`fetcher.lists.url_list.UrlList` reads them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from fetcher.lists.lines import Problems, UrlListError
from fetcher.lists.name_clashes import names_of, repeats_in
from fetcher.lists.rows import item_of, problem_to_fetch
from fetcher.s3.urls import SCHEME, place_of
from fetcher.security.guard import BadUrlError
from fetcher.security.masking import has_credentials
from rollout.errors import SettingError
from rollout.manifest.rows import Columns, rows_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fetcher.contract.source import Item
    from fetcher.lists.rows import ListRow
    from rollout.target.target import Target

_READ_AT_ONCE = 1_048_576
_ESCAPED = 0xDC00  # stands for a byte that is not UTF-8, that byte added
_COPIED_BYTES = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedList:
    """
    A list made of a manifest.

    Attributes:
        path: Where it is. Each row has the number of the manifest's.

        count: How many URLs it holds.

        skipped: How many rows were left out; 0 unless that was allowed.

        problems: The problems of these, for a person; empty: none.
    """

    path: Path
    count: int
    skipped: int = 0
    problems: str = ""


def convert(
    manifest: str,
    to: Path,
    columns: Columns | None = None,
    *,
    target: Target | None = None,
    skip_bad: bool = False,
) -> ConvertedList:
    """
    Convert a manifest into a list.

    Args:
        manifest: A path, or ``s3://bucket/key``. Its ending tells what it is:
            ``.parquet``, ``.csv``, ``.jsonl``, or else text; ``.gz`` or ``.zst`` may
            follow.

        to: Where the list goes: a path that ends in ``.jsonl``.

        columns: The names of its columns.

        target: Where S3 is, for a manifest there.

        skip_bad: Whether to leave out rows that cannot be used, rather than refuse
            the manifest.

    Raises:
        UrlListError: If it cannot be used; names the rows, and why.

        OSError: If it cannot be read, or the list not be written.
    """
    with _at_hand(manifest, target) as path, _Names() as names:
        problems = Problems(manifest, unit_of(manifest))
        rows = rows_of(path, manifest, columns or Columns())
        try:
            count = _write(_good_rows(rows, problems), to, names)
            bad = _note_repeats(to, names, problems)
            if bad and skip_bad:
                count = _leave_out(bad, to)
            if not count:
                problems.add(1, "there is no URL that could be fetched")
            if not (count and skip_bad):
                problems.raise_if_any()
        except BaseException:
            to.unlink(missing_ok=True)
            raise
    return ConvertedList(
        path=to, count=count, skipped=problems.count, problems=problems.first()
    )


class _Names:
    """Names that items have or could have, kept in files to be read again."""

    def __init__(self) -> None:
        self._files = tuple(tempfile.TemporaryFile("w+") for _ in range(2))  # noqa: SIM115
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def add(self, item: Item) -> None:
        """Add an item's names; in one file, neighbours mostly share folders."""
        for file, name in zip(self._files, names_of(item), strict=False):
            self.size += file.write(f"{name}\n")

    def pieces(self) -> Iterator[list[str]]:
        """Yield them all."""
        for file in self._files:
            file.seek(0)
            while text := file.read(_READ_AT_ONCE) + file.readline():
                yield text.removesuffix("\n").split("\n")


def _good_rows(rows: Iterator[ListRow], problems: Problems) -> Iterator[ListRow]:
    """Yield the rows that are good by themselves; note the problems of the others."""
    for row in rows:
        if problem := row.problem or _problem_with(row.fields):
            problems.add(row.number, problem)
        else:
            yield row


def _write(rows: Iterator[ListRow], to: Path, names: _Names) -> int:
    """Write the list; return how long it is."""
    count = 0
    with to.open("w") as file:
        for count, row in enumerate(rows, 1):  # noqa: B007 - the last counts
            texts = "".join(
                f',"{name}":{quoted(text)}' for name, text in row.fields.items() if text
            )
            file.write(f'{{"row":{row.number}{texts}}}\n')
            names.add(item_of(row.fields))
    return count


def _note_repeats(path: Path, names: _Names, problems: Problems) -> set[int]:
    """Note the rows that repeat earlier ones; return their numbers."""

    def items() -> Iterator[tuple[int, Item]]:
        with path.open("rb") as file:
            for fields in map(json.loads, file):
                yield fields["row"], item_of(fields)

    found = set()
    for number, problem in repeats_in(
        names.pieces(), names.pieces, items, names.size, problems.unit
    ):
        problems.add(number, problem)
        found.add(number)
    return found


def _leave_out(bad: set[int], path: Path) -> int:
    """Remove rows from a list; return how long it is then."""
    count, aside = 0, path.with_name(f"{path.name}.part")
    with path.open("rb") as old, aside.open("wb") as new:
        for line in old:
            if json.loads(line)["row"] not in bad:
                new.write(line)
                count += 1
    aside.replace(path)
    return count


def _problem_with(fields: Mapping[str, Any]) -> str:
    url = fields["url"]
    if url is None or url == "":
        return f"the URL is {'null' if url is None else 'empty'}"
    for name, text in fields.items():
        if isinstance(text, str) and (byte := _undecoded(text)):
            return f"{name} is not UTF-8: it holds the byte {byte}"
    if problem := problem_to_fetch(fields, allow_s3=True):
        return problem
    if has_credentials(url):
        return "the URL holds a user name or password, which would stand in the results"
    return ""


def _undecoded(text: str) -> str:
    r"""
    Return the first byte that could not be decoded, as `rows` lets it stand.

    >>> _undecoded(b"caf\xe9".decode(errors="surrogateescape")), _undecoded("café")
    ('0xE9', '')
    """
    if text.isascii():
        return ""
    bad = [ord(sign) for sign in text if "\udc80" <= sign <= "\udcff"]
    return f"0x{bad[0] - _ESCAPED:02X}" if bad else ""


@contextmanager
def _at_hand(manifest: str, target: Target | None) -> Iterator[Path]:
    """Yield the path of a manifest, downloaded first if it is in S3."""
    if not manifest.startswith(SCHEME):
        yield Path(manifest)
        return
    if target is None:
        msg = f"{manifest} is in S3: say at which target, with a `target`."
        raise SettingError(msg)
    try:
        place = place_of(manifest)
    except BadUrlError as error:
        msg = f"{manifest} cannot be read. {error}"
        raise UrlListError(msg) from error
    with tempfile.NamedTemporaryFile(prefix="rollout-manifest-") as file:
        try:
            found = target.client("s3").get_object(Bucket=place.bucket, Key=place.key)
            shutil.copyfileobj(found["Body"], file, _COPIED_BYTES)
        except (ClientError, BotoCoreError) as error:
            msg = f"{manifest} cannot be read. AWS says: {error}"
            raise UrlListError(msg) from error
        file.flush()
        yield Path(file.name)
