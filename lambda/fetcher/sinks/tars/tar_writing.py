"""Members written into parts of a tar, in files of temporary storage."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from fetcher.s3.scratch_files import Part
from fetcher.sinks.file_writing import write_all
from fetcher.sinks.tars.member import BLOCK, END

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO

    from fetcher.s3.scratch_files import Files
    from fetcher.sinks.tars.member import Member

_COPIED_BYTES = 262_144


class Row(NamedTuple):
    """
    A body's place in a part.

    Attributes:
        offset: Of its first byte.
    """

    member: Member
    offset: int
    size: int

    def line(self, base: int) -> bytes:
        """Return the index's line, the part beginning at this offset of the tar."""
        member = self.member
        return index_line(member.name, base + self.offset, self.size, member.fields)


def index_line(name: str, offset: int, size: int, fields: str) -> bytes:
    """Return the line of a tar's index for a body; fields are JSON without braces."""
    text = f'{{"key": "{name}", "offset": {offset}, "size": {size}, {fields}}}\n'
    return text.encode("ascii")


class TarPart:
    """Members one after the other, each written whole or not at all."""

    def __init__(self, file: FileIO, files: Files) -> None:
        self._file = file
        self._files = files
        self.size = 0
        self.rows: list[Row] = []

    @classmethod
    def around(cls, member: Member, body: Part) -> TarPart:
        """Make a part of a body's own file, whose first block was left out."""
        descriptor = body.file.fileno()
        write_all(descriptor, [member.tail])
        os.pwrite(descriptor, member.head, 0)
        part = cls(body.file, body.files)
        part._count(member, body.size)
        return part

    def append(self, member: Member, parts: Sequence[bytes], size: int) -> None:
        """Write a member whose body is in memory; `OSError` if there is no room."""
        with self._undone_if_it_fails():
            write_all(self._file.fileno(), [member.head, *parts, member.tail])
        self._count(member, size)

    def copy(self, member: Member, body: Part) -> None:
        """Write a member whose body is in a file, behind a block that is left out."""
        source, target, size = body.file.fileno(), self._file.fileno(), body.size
        with self._undone_if_it_fails():
            write_all(target, [member.head])
            for at in range(0, size, _COPIED_BYTES):
                count = min(_COPIED_BYTES, size - at)
                write_all(target, [os.pread(source, count, BLOCK + at)])
            write_all(target, [member.tail])
        self._count(member, size)

    def end(self) -> None:
        """Write the end of the tar."""
        with self._undone_if_it_fails():
            write_all(self._file.fileno(), [END])
        self.size += len(END)

    def sent(self) -> Part:
        """Return it as a part of an upload."""
        return Part(self._file, self.size, self._files)

    @contextmanager
    def _undone_if_it_fails(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._file.seek(self.size)
            self._file.truncate()
            raise

    def _count(self, member: Member, size: int) -> None:
        self.rows.append(Row(member, self.size + BLOCK, size))
        self.size += BLOCK + size + len(member.tail)
