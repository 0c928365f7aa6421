"""
Conversion of a manifest, as other tools write them, into a list for runs.

Runs read the same formats. A list in JSON lines is for what comes from S3 or a pipe, or
is to be read without pyarrow: it has the same rows, with the same columns.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fetcher.lists.file_names import PART
from fetcher.lists.url_list import ENDLESS, Columns, UrlList, UrlListError
from fetcher.s3.urls import SCHEME, place_of
from fetcher.security.guard import BadUrlError
from rollout.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fetcher.contract.source import Item
    from rollout.target.connection import Target

_COPIED_BYTES = 1_048_576
_PREFIX = "list_"  # before the names of other columns that are called like the list's
_TAKEN = rf"(?:{_PREFIX})*(?:url|destination|sha256)"
_is_taken = re.compile(_TAKEN).fullmatch
_may_be_taken = re.compile(rf'"{_TAKEN}": ').search


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedList:
    """
    A list made of a manifest.

    Attributes:
        skipped: How many rows were left out; 0 unless that was wanted.

        remarks: What there is to say about the manifest, for a person.
    """

    path: Path
    count: int
    skipped: int
    remarks: Sequence[str]


def convert(
    manifest: str,
    to: Path,
    columns: Columns | None = None,
    *,
    target: Target | None = None,
    strict: bool = False,
    skip_bad: bool = False,
) -> ConvertedList:
    """
    Convert a manifest into a list.

    Its columns are ``url``, ``destination``, ``sha256`` and the manifest's others; of
    these, one that is called like the first three gets ``list_`` before its name.

    Args:
        manifest: As for `UrlList`; ``s3://bucket/key`` is read at the target.

        to: Where the list goes, once it is whole: a path that ends in ``.jsonl``.

        columns: The names of its columns.

        target: Where S3 is, for a manifest there.

        strict: Whether to refuse a manifest with any row that cannot be used.

        skip_bad: Whether to leave out such rows. Otherwise they end in a run as they
            would if it read the manifest.

    Raises:
        UrlListError: If it cannot be used, or is the file to write; says why.

        OSError: If it cannot be read, or the list not be written.
    """
    with _at_hand(manifest, target) as name:
        try:
            listed = UrlList(
                name,
                columns=columns,
                allow_s3=True,
                allow_credentials=False,
                strict=strict,
            )
        except UrlListError as error:
            raise UrlListError(str(error).replace(name, manifest)) from error
        count = 0
        if any(_is_same(Path(one), to) for one in listed.names):
            listed.close()
            msg = f"{to} is the manifest itself. Name another file for the list."
            raise UrlListError(msg)
        aside = to.with_name(f"{to.name}{PART}")
        try:
            with aside.open("w", encoding="ascii") as file:
                for block in listed.blocks([(0, ENDLESS)]):
                    some = [_line(row, skip_bad=skip_bad) for row in block.items()]
                    file.writelines(some)
                    count += len(some) - some.count("")
            listed.raise_if_torn()
            aside.replace(to)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        finally:
            remarks = [one.replace(name, manifest) for one in listed.remarks()]
            read = listed.count
            listed.close()
    return ConvertedList(path=to, count=count, skipped=read - count, remarks=remarks)


def _line(row: Item, *, skip_bad: bool) -> str:
    """Return a row as JSON; empty: it is left out."""
    if skip_bad and row.refusal:
        return ""
    texts = {"destination": row.destination, "sha256": row.sha256}
    pairs = [f'"url": {quoted(row.url)}']  # also if empty: its name tells the column
    pairs += [f'"{name}": {quoted(text)}' for name, text in texts.items() if text]
    others = row.carried
    if _may_be_taken(others):
        columns = row.columns.items()
        others = json.dumps(
            {f"{_PREFIX}{one}" if _is_taken(one) else one: it for one, it in columns}
        )
    if others:
        pairs.append(others[1:-1])
    return f"{{{', '.join(pairs)}}}\n"


def _is_same(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


@contextmanager
def _at_hand(manifest: str, target: Target | None) -> Iterator[str]:
    """Yield the name of a manifest, downloaded first if it is in S3."""
    if not manifest.startswith(SCHEME):
        yield manifest
        return
    if target is None:
        msg = f"{manifest} is in S3: say at which target, with a `target`."
        raise SettingError(msg)
    try:
        place = place_of(manifest)
    except BadUrlError as error:
        msg = f"{manifest} cannot be read. {error}"
        raise UrlListError(msg) from error
    with tempfile.TemporaryDirectory(prefix="rollout-manifest-") as folder:
        path = Path(folder, Path(place.key).name)
        try:
            found = target.client("s3").get_object(Bucket=place.bucket, Key=place.key)
            with path.open("wb") as file:
                shutil.copyfileobj(found["Body"], file, _COPIED_BYTES)
        except (ClientError, BotoCoreError) as error:
            msg = f"{manifest} cannot be read. AWS says: {error}"
            raise UrlListError(msg) from error
        yield str(path)
