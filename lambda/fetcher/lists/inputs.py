"""Files that a list is read from: found, brought here, inflated and decoded."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import stat
import zlib
from contextlib import closing, contextmanager
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, TextIO

from fetcher.contract.carried import LONGEST_LINE
from fetcher.lists.problems import UrlListError
from fetcher.s3.urls import SCHEME, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STDIN = "-"
_BLOCK = 32_768  # characters
TOO_LONG = f"a line of a list has at most {LONGEST_LINE} characters"  # one cell
_START = 65_536  # bytes, to tell encodings and formats by, below any licence's text
_PIECE = 8 * 2**20  # bytes of an object in S3 brought at once
_NO_END = float("inf")
_MARKS = {  # of encodings, the longer ones first
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Foreign:
    """Counter of the bytes that are not of a list's encoding: read as Latin-1."""

    name = "fetcher-latin-1"
    count = 0

    @classmethod
    def decode(cls, error: UnicodeError) -> tuple[str, int]:
        """Return what a codec puts in their place, and where it goes on."""
        assert isinstance(error, UnicodeDecodeError)
        cls.count += 1
        wrong = error.object[error.start : error.end]
        try:
            return wrong.decode("cp1252"), error.end  # what Windows means by Latin-1
        except UnicodeDecodeError:
            return wrong.decode("latin-1"), error.end


codecs.register_error(Foreign.name, Foreign.decode)


@dataclass(slots=True)
class Input:
    """
    One file of a list, open.

    Attributes:
        name: As it was given.

        raw: The file as it is stored.

        file: The same, inflated.

        skipped: How many lines were no rows: blank, or comments that `#` begins.

        share: How much of it has been read, from 0 to 1; None: as much as of `raw`.
    """

    name: str
    raw: IO[bytes]
    file: Any
    start: bytes
    size: int
    skipped: int = 0
    share: float | None = None
    _text: io.TextIOWrapper | None = None

    @property
    def encoding(self) -> str:
        """What it is encoded in, by its first bytes."""
        for mark, encoding in _MARKS.items():
            if self.start.startswith(mark):
                return encoding
        if self.start[1:2] == b"\0":
            return "utf-16-le"
        return "utf-16-be" if self.start[:1] == b"\0" else "utf-8"

    def text(self, newline: str | None = None) -> io.TextIOWrapper:
        """Return it decoded; line ends as `open` would treat them."""
        self._text = io.TextIOWrapper(
            self.file, self.encoding, Foreign.name, newline=newline
        )
        return self._text

    def close(self) -> None:
        """Let go of the file, which its opener closes."""
        if self._text:
            self._text.detach()

    def bytes_read(self) -> int:
        """Return how many of its bytes have been read."""
        if self.share is not None:
            return int(self.share * self.size)
        return self.size if self.raw.closed else min(self.size, self.raw.tell())


def block_of(file: TextIO) -> str:
    """Return many whole lines of a text; empty: it is at its end."""
    text = file.read(_BLOCK)
    if text.endswith("\n"):
        return text
    line = line_of(file)
    if line.startswith(TOO_LONG):
        begun = text.rfind("\n") + 1
        line = _too_long(line.count('"') + text.count('"', begun))
        text = text[:begun]
    return text + line


def line_of(file: TextIO) -> str:
    """
    Return a line; empty: there is none.

    One that is too long is replaced by what says so, which is no row of any format. It
    has a quote if the line had an odd number of them, as one does that ends a cell.
    """
    line = rest = file.readline(LONGEST_LINE)
    quotes = 0
    while len(rest) == LONGEST_LINE and not rest.endswith("\n"):
        quotes += rest.count('"')
        rest = file.readline(LONGEST_LINE)
        line = _too_long(quotes + rest.count('"'))
    return line


def _too_long(quotes: int) -> str:
    return TOO_LONG + '"' * (quotes % 2) + "\n"


def files_of(names: Iterable[str | os.PathLike[str]]) -> list[str]:
    """
    Return the names of files, with patterns like ``part-*.parquet`` filled in.

    Raises:
        UrlListError: If a pattern matches no file, a name is none's, or there is none.
    """
    found = []
    for given in names:
        name = os.fspath(given)
        if has_magic(name) and not Path(name).exists() and not name.startswith(SCHEME):
            some = sorted(glob(name, recursive=True))  # noqa: PTH207 - any path
            matching = [one for one in some if not Path(one).is_dir()]
            if not matching:
                msg = f"No file matches {name}."
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
    if name.startswith(("http://", "https://")):
        msg = (
            f"{name} is a URL, and no list of them. Write it into a file, or to stdin."
        )
    elif Path(name).is_dir():
        msg = f"{name} is a folder. Name its files, '{name}/*.csv' say."
    elif not Path(name).exists():
        msg = f"No such file or directory: {name}."
    if msg:
        raise UrlListError(msg)


@contextmanager
def opened(name: str) -> Iterator[Input]:
    """
    Open a file: a path, ``-`` for stdin, or ``s3://bucket/key``.

    What can be read only once is copied aside first.

    Raises:
        UrlListError: If it turns out not to be whole, or cannot be inflated here.

        OSError: If it cannot be read.
    """
    with _raw(name) as raw:
        size = raw.seek(0, os.SEEK_END)
        raw.seek(0)
        unpack, also_torn = _unpacker(raw.read(6), name)
        torn: tuple[type[Exception], ...] = (EOFError, zlib.error, *also_torn)
        raw.seek(0)
        try:
            file = unpack(raw)
            given = Input(name, raw, file, file.peek(_START)[:_START], size)
            with closing(given):
                yield given
        except torn as error:
            msg = f"{name} is not whole: {error}."
            raise UrlListError(msg) from error


@contextmanager
def _raw(name: str) -> Iterator[IO[bytes]]:
    if name.startswith(SCHEME):
        with TemporaryFile(prefix="fetcher-list-", buffering=_START) as file:
            bring(name, file)
            yield file
        return
    path = 0 if name == STDIN else name
    with open(path, "rb", buffering=_START, closefd=name != STDIN) as given:
        if stat.S_ISREG(os.fstat(given.fileno()).st_mode):
            yield given
            return
        with TemporaryFile(prefix="fetcher-list-", buffering=_START) as file:
            shutil.copyfileobj(given, file, _PIECE)
            yield file


def bring(url: str, file: IO[bytes], until: float = _NO_END) -> None:
    """
    Write one version of an object in S3 to a file, a piece at a time.

    It gives up at ``until``, on the monotonic clock.

    Raises:
        OSError: If it cannot be read, or the environment has no credentials.
    """
    from fetcher.s3.connection import Connection  # noqa: PLC0415 - loads OpenSSL
    from fetcher.s3.credentials import Account  # noqa: PLC0415
    from fetcher.s3.errors import S3Error  # noqa: PLC0415

    place = place_of(url)
    connection = Connection(Account.from_environment())
    size, headers = 0, {}
    try:
        while True:
            headers["range"] = f"bytes={size}-{size + _PIECE - 1}"
            answer = connection.request("GET", place, headers=headers, until=until)
            size += file.write(answer.body)
            if size >= int(answer.headers["content-range"].rpartition("/")[2]):
                return
            headers["if-match"] = answer.headers["etag"]
    except S3Error as error:
        if error.code != "InvalidRange":  # there is nothing in it
            raise
    finally:
        connection.close()


def _unpacker(magic: bytes, name: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """Return what inflates a file that begins so, and what it raises if it is torn."""
    if magic.startswith(b"\x1f\x8b"):
        from gzip import BadGzipFile, GzipFile  # noqa: PLC0415 - few lists need these

        return lambda raw: GzipFile(fileobj=raw), (BadGzipFile,)
    if magic.startswith(b"\xfd7zXZ\0"):
        from lzma import LZMAError, LZMAFile  # noqa: PLC0415

        return LZMAFile, (LZMAError,)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        pa = pyarrow_for(name)

        def zstd(raw: IO[bytes]) -> io.BufferedReader:
            return io.BufferedReader(pa.input_stream(raw, compression="zstd"))

        return zstd, (pa.ArrowException, OSError)
    if magic.startswith((b"PK\x03\x04", b"BZh", b"7z\xbc\xaf")):
        msg = f"{name} is packed in a way that is not read: use gzip, Zstandard or xz."
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
        msg = f"{name} needs pyarrow: pip install 'million-downloads[parquet]'."
        raise UrlListError(msg) from error
    return pa
