"""List of a job that is an object in S3: downloaded, then read."""

from __future__ import annotations

import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.lists.files.streams import bring
from fetcher.lists.url_list import UrlList, UrlListError
from fetcher.s3.errors import S3Error

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEEDS_PYARROW = (".parquet", ".zst")  # which would not go into the zip


@contextmanager
def manifest(url: str, until: float) -> Iterator[UrlList]:
    """
    Return the list, read whole, for as long as the context lasts.

    Raises:
        UrlListError: If it cannot be used; says why.

        S3Error: If it was not read, which may be another time.
    """
    if url.lower().endswith(_NEEDS_PYARROW):
        msg = f"{url} is not read on Lambda. Convert it with `rollout manifest`."
        raise UrlListError(msg)
    with tempfile.TemporaryDirectory(prefix="fetcher-manifest-") as folder:
        ending = url.rpartition("/")[2][-100:]  # tells the kind; may be empty, or `..`
        path = Path(folder, f"list-{ending}")
        try:
            with path.open("wb") as file:
                bring(url, file, until)
            listed = UrlList(path)
            len(listed)
            listed.raise_if_torn()
        except S3Error as error:
            if error.can_heal:
                raise
            msg = f"{url} cannot be read. {error.strerror}"
            raise UrlListError(msg) from error
        except OSError as error:  # of this machine: another time would be no better
            msg = f"{url} cannot be kept to be read: {error.strerror}."
            raise UrlListError(msg) from error
        except UrlListError as error:
            raise UrlListError(str(error).replace(str(path), url)) from error
        with closing(listed):
            yield listed
