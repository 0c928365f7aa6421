"""
Tars of ours, read again: their members, as far as they are whole.

A tar whose writer was killed ends anywhere. All members before are whole, since each is
written after the one before it.
"""

from __future__ import annotations

import json
import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.sinks.tars.member import BLOCK, END, header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Read = Callable[[int, int], bytes]  # so many bytes, from an offset on

_NAME, _SIZE = slice(100), slice(124, 135)  # of a header
_LINE = re.compile(rb'\{"key": "([^"]+)", "offset": (\d+), "size": (\d+)[,}]')
_DIGITS = 9  # at least, that a member's name begins with


class Found(NamedTuple):
    """
    A body in a tar, and the JSON beside it.

    Attributes:
        offset: Of the body's first byte, in the tar.

        end: Behind the JSON; 0: not known.

        fields: The JSON, without its braces; empty: not read.
    """

    name: str
    offset: int
    size: int
    end: int = 0
    fields: str = ""

    @property
    def position(self) -> int:
        """The position of the row in the list, from 0."""
        return position_of(self.name)

    @property
    def row(self) -> dict[str, Any]:
        """Its row of an index."""
        told: dict[str, Any] = json.loads(f"{{{self.fields}}}")
        return {"key": self.name, "offset": self.offset, "size": self.size, **told}


def position_of(name: str) -> int:
    """
    Return the position in the list, from 0, of the member of this name.

    >>> position_of("000000007.body.json")
    6
    """
    return int(name.partition(".")[0]) - 1


def members_in(descriptor: int, at: int = 0) -> Iterator[Found]:
    """Yield the members of an open tar from an offset on, as far as they are whole."""
    end = os.fstat(descriptor).st_size
    return members_read(partial(os.pread, descriptor), end, at)


def members_read(read: Read, end: int, at: int = 0) -> Iterator[Found]:
    """Yield the members of a tar that ends there, from an offset on, likewise."""
    while True:
        name, size = _header_at(read, at)
        beside_at = at + BLOCK + _padded(size)
        beside, length = _header_at(read, beside_at)
        after = beside_at + BLOCK + _padded(length)
        if not (name and beside) or after > end:
            return
        told = read(length, beside_at + BLOCK).decode("ascii", "replace")
        yield Found(name, at + BLOCK, size, after, told[1:-1])
        at = after


def listed_in(tar: Path, index: Path) -> Iterator[Found]:
    """Yield the members of a tar that is complete, by its index if there is one."""
    end = tar.stat().st_size
    try:
        lines = index.open("rb")
    except FileNotFoundError:
        with tar.open("rb") as file:
            yield from members_in(file.fileno())
        return
    with lines:
        for line in lines:
            if found := _LINE.match(line):
                offset, size = int(found[2]), int(found[3])
                if offset + size <= end:
                    yield Found(found[1].decode("ascii"), offset, size)


def is_as_written(tar: Path, last: int) -> bool:
    """Tell whether nothing but its end follows the last body, which begins there."""
    end = 0
    with tar.open("rb") as file:
        for member in members_in(file.fileno(), max(0, last - BLOCK)):
            end = member.end
    return end > 0 and tar.stat().st_size == end + len(END)


def may_be_ours(part: Path) -> bool:
    """Tell whether an unfinished tar begins as ours do, torn or not, or is empty."""
    with part.open("rb") as file:
        raw = file.read(BLOCK)
        if not raw.strip(b"\0"):  # a power failure leaves zeros, too
            return True
        if len(raw) < BLOCK:
            return raw[:_DIGITS].isdigit()
        return bool(_header_at(partial(os.pread, file.fileno()), 0)[0])


def _header_at(read: Read, at: int) -> tuple[str, int]:
    """Return the name and size in a header that we wrote; or an empty name."""
    raw = read(BLOCK, at)
    try:
        name, size = raw[_NAME].rstrip(b"\0").decode("ascii"), int(raw[_SIZE], 8)
    except ValueError:
        return "", 0
    return (name, size) if header(name, size) == raw else ("", 0)


def _padded(size: int) -> int:
    return size + -size % BLOCK
