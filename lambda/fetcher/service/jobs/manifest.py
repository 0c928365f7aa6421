"""List of a job that is an object in S3: downloaded, then checked."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.lists.url_list import UrlList, UrlListError
from fetcher.s3.connection import Connection
from fetcher.s3.credentials import Account
from fetcher.s3.errors import S3Error
from fetcher.s3.urls import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.s3.urls import Place

_PIECE = 8 * 2**20  # bytes
_KINDS = (".csv", ".jsonl")
_NO_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)
_NO_TEXT = (".parquet", ".zst", ".zip", ".bz2", ".xz")


@contextmanager
def manifest(url: str, until: float) -> Iterator[UrlList]:
    """
    Return the list, checked whole, for as long as the context lasts.

    Args:
        url: Where it is, as in ``s3://bucket/urls.csv.gz``.

        until: When to give up, on the monotonic clock.

    Raises:
        UrlListError: If it cannot be used; says which lines and why.

        S3Error: If it was not read, which may be another time.
    """
    name = url.lower()
    if name.endswith(_NO_TEXT):
        msg = f"{url} is no text. Save it as .txt, .csv or .jsonl, or one of these .gz."
        raise UrlListError(msg)
    is_packed = name.endswith(".gz")
    stem = name.removesuffix(".gz")
    kind = next((kind for kind in _KINDS if stem.endswith(kind)), ".txt")
    with tempfile.TemporaryDirectory(prefix="fetcher-manifest-") as folder:
        path = Path(folder, f"list{kind}")
        try:
            _bring(place_of(url), path, until)
            if is_packed:
                _inflate(path)
            found = UrlList(path)
        except (OSError, UrlListError, *_NO_GZIP) as error:
            if isinstance(error, S3Error) and error.can_heal:
                raise
            raise UrlListError(_problem(url, path, error)) from error
        yield found


def _bring(place: Place, path: Path, until: float) -> None:
    """Write one version of an object to a file, a piece at a time."""
    connection = Connection(Account.from_environment())
    size, headers = 0, {}
    try:
        with path.open("wb") as file:
            while True:
                headers["range"] = f"bytes={size}-{size + _PIECE - 1}"
                answer = connection.request("GET", place, headers=headers, until=until)
                file.write(answer.body)
                size += len(answer.body)
                if size >= int(answer.headers["content-range"].rpartition("/")[2]):
                    return
                headers["if-match"] = answer.headers["etag"]
    except S3Error as error:
        if error.code != "InvalidRange":  # there is nothing in it
            raise
    finally:
        connection.close()


def _inflate(path: Path) -> None:
    packed = path.rename(f"{path}.gz")
    with gzip.open(packed) as source, path.open("wb") as file:
        shutil.copyfileobj(source, file)
    packed.unlink()


def _problem(url: str, path: Path, error: Exception) -> str:
    if isinstance(error, _NO_GZIP):
        return f"{url} is not whole, or not gzip: {error}."
    if isinstance(error, OSError):
        return f"{url} cannot be read. {error.strerror}"
    return str(error).replace(str(path), url)
