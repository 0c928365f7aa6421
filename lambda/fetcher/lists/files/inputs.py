"""Files that a list is read from: found, opened and inflated."""

from __future__ import annotations

import os
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from glob import glob, has_magic
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetcher.lists.files.decoded_lines import BLOCK, first_row
from fetcher.lists.files.pipes_and_s3 import STDIN, Stream, from_pipe, from_s3, is_pipe
from fetcher.lists.problems import UrlListError
from fetcher.s3.urls import SCHEME
from fetcher.security.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARQUET = b"PAR1"
_WEB = "http://", "https://"
_START = 65_536  # bytes, to tell formats by: more than a licence that comes first


@dataclass(slots=True)
class Input:
    """
    One file of a list, open.

    Attributes:
        name: As it was given.

        raw: The file as it is stored.

        start: Its first bytes, inflated: its first row, and maybe more.

        rest: What follows them.

        skipped: How many lines were no rows: blank, or comments that `#` begins.

        share: How much of it has been read, from 0 to 1; None: as much as of `raw`.
    """

    name: str
    raw: Any
    start: bytes
    rest: Any
    skipped: int = 0
    share: float | None = None

    @property
    def _stream(self) -> Stream | None:
        raw = None if self.raw.closed else self.raw.raw
        return raw if isinstance(raw, Stream) else None

    def is_silent(self, seconds: float) -> bool:
        """Tell whether it comes from a program that says nothing for so long."""
        return bool(self._stream and self._stream.is_silent(seconds))

    def bytes_read(self) -> tuple[int, int]:
        """Return how many of its bytes have been read, and how many there are."""
        if self.raw.closed:
            return 1, 1
        stream = self._stream
        size = stream.size if stream else os.fstat(self.raw.fileno()).st_size
        read = (stream or self.raw).tell()
        return min(size, read if self.share is None else int(self.share * size)), size


def files_of(names: Iterable[str | os.PathLike[str]]) -> list[str]:
    """
    Return the names of files, with patterns like ``part-*.parquet`` filled in.

    Raises:
        UrlListError: If a pattern matches no file, a name is none's, or there is none.
    """
    found = []
    for given in names:
        name = os.fspath(given)
        is_url = name.startswith((SCHEME, *_WEB))
        if has_magic(name) and not is_url and not Path(name).exists():
            some = sorted(glob(name, recursive=True))  # noqa: PTH207 - any path
            matching = [one for one in some if not Path(one).is_dir()]
            if not matching:
                msg = f"No file matches {masked(name)}."
                raise UrlListError(msg)
            found += matching
        else:
            _check_is_file(name)
            found.append(name)
    if not found:
        msg = "No list was named."
        raise UrlListError(msg)
    return found


def _check_is_file(name: str) -> None:
    """Refuse what cannot be a list before anything of the others is fetched."""
    if name == STDIN or name.startswith(SCHEME):
        return
    msg = ""
    if name.startswith(_WEB):
        msg = (
            f"{masked(name)} is a URL, and no list of them. Write it into a file, or "
            "to stdin."
        )
    elif Path(name).is_dir():
        msg = f"{name} is a folder. Name its files, '{name}/*.csv' say."
    elif not Path(name).exists():
        msg = f"No such file or directory: {masked(name)}."
    if msg:
        raise UrlListError(msg)


def size_of(name: str) -> int:
    """Return the bytes of a file; at least one, as of what is no file here."""
    try:
        return max(1, Path(name).stat().st_size)
    except OSError:
        return 1


@contextmanager
def opened(name: str) -> Iterator[Input]:
    """
    Open a file: a path, ``-`` for stdin, or ``s3://bucket/key``.

    Raises:
        UrlListError: If it turns out not to be whole, or cannot be inflated here.

        OSError: If it cannot be read.
    """
    with _raw(name) as raw:
        unpack, also_torn = _unpacker(raw.peek(6), name)
        torn: tuple[type[Exception], ...] = (EOFError, zlib.error, *also_torn)
        try:
            rest = unpack(raw)
            yield Input(name, raw, _start_of(rest), rest)
        except torn as error:
            msg = f"{name} is not whole: {error}."
            raise UrlListError(msg) from error


def _start_of(file: Any) -> bytes:  # noqa: ANN401 - of many kinds
    """Read on until a row is there, or enough; a program may take its time."""
    start = b""
    while len(start) < _START and not first_row(start).endswith("\n"):
        more: bytes = file.read1(_START)
        if not more:
            break
        start += more
    return start


@contextmanager
def _raw(name: str) -> Iterator[Any]:
    """Open a file as it is stored."""
    with ExitStack() as stack:
        if name.startswith(SCHEME):
            stream = from_s3(name)
        else:
            path = 0 if name == STDIN else name
            file = stack.enter_context(open(path, "rb", closefd=name != STDIN))
            if not is_pipe(name):
                yield file
                return
            stream = from_pipe(file.fileno())
        yield stack.enter_context(BufferedReader(stream, BLOCK))


def _unpacker(magic: bytes, name: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """Return what inflates a file that begins so, and what it raises if it is torn."""
    if magic.startswith(b"\x1f\x8b"):
        import gzip  # noqa: PLC0415 - few lists need these

        return gzip.open, (gzip.BadGzipFile,)
    if magic.startswith(b"\xfd7zXZ\0"):
        import lzma  # noqa: PLC0415

        return lzma.open, (lzma.LZMAError,)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        pa = pyarrow_for(name)
        stream = partial(pa.input_stream, compression="zstd")
        return lambda raw: BufferedReader(stream(raw)), (pa.ArrowException, OSError)
    if magic.startswith((b"PK\x03\x04", b"BZh", b"7z\xbc\xaf")):
        msg = f"The compression of {name} is not supported: use gzip, Zstandard or xz."
        raise UrlListError(msg)
    return lambda raw: raw, ()


def pyarrow_for(name: str) -> Any:  # noqa: ANN401 - it has no types
    """
    Return pyarrow.

    Raises:
        UrlListError: If it is not installed; says what needs it.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - 70 MB that most lists can do without
    except ImportError as error:
        msg = f"{name} needs pyarrow: pip install pyarrow."
        raise UrlListError(msg) from error
    return pa
