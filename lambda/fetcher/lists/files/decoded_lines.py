"""Text of a file of a list: decoded as it comes, in lines of no more than so long."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING, BinaryIO

from fetcher.contract.carried_columns import LONGEST_LINE

if TYPE_CHECKING:
    from collections.abc import Callable

TOO_LONG = f"a line of a list has at most {LONGEST_LINE} characters"  # one cell
BLOCK = 32_768  # bytes
_MARKS = {  # of encodings, the longer ones first
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_line_end = re.compile(r"\r\n?|\n").search


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


def encoding_of(start: bytes) -> str:
    """Return what a text is encoded in, by its first bytes."""
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding
    if start[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if start[:1] == b"\0" else "utf-8"


def first_row(start: bytes) -> str:
    r"""
    Return the first line that is neither blank nor a comment, as far as it is there.

    >>> first_row(b"# mine\n\nurl,caption\nhttp"), first_row(b"# mine\nurl,ca")
    ('url,caption\n', 'url,ca')
    """
    text = start.decode(encoding_of(start), "replace").lstrip("\ufeff")
    lines = text.splitlines(keepends=True)
    return next((one for one in lines if one.strip() and one[0] != "#"), "")


class Text:
    """
    Decoded text, read as soon as there is a line of it.

    Args:
        start: Its first bytes.

        rest: What follows them, a file that has `read1`.

        translate: Whether all line ends become line feeds.
    """

    def __init__(self, start: bytes, rest: BinaryIO, *, translate: bool) -> None:
        decoder = codecs.getincrementaldecoder(encoding_of(start))(Foreign.name)
        self._decode = io.IncrementalNewlineDecoder(decoder, translate).decode
        self._start = start
        self._read: Callable[[int], bytes] = rest.read1  # type: ignore[attr-defined]
        self._text = ""  # not taken yet
        self._has_feeds = False  # or else carriage returns end its lines

    def block(self) -> str:
        """Return many whole lines, or those that have come; empty: it is at its end."""
        while len(self._text) <= LONGEST_LINE:
            text = self._text
            end = text.rfind("\n") + 1
            self._has_feeds = self._has_feeds or end > 0
            if end := end or (0 if self._has_feeds else text.rfind("\r") + 1):
                self._text = text[end:]
                return text[:end]
            if not self._read_on():
                break
        return self.line()

    def line(self) -> str:
        """
        Return a line; empty: there is none.

        One that is too long is replaced by what says so, which is no row of any format.
        It has a quote if the line had an odd number of them, as one has that ends a
        cell.
        """
        quotes, is_long = 0, False
        while not (found := _line_end(self._text)) and self._read_on():
            if len(self._text) > LONGEST_LINE:
                quotes += self._text.count('"')
                self._text, is_long = "", True
        end = found.end() if found else len(self._text)
        line, self._text = self._text[:end], self._text[end:]
        if is_long or len(line) > LONGEST_LINE:
            return TOO_LONG + '"' * ((quotes + line.count('"')) % 2) + "\n"
        return line

    def _read_on(self) -> bool:
        """Decode some more; False: there is no more."""
        data = self._start or self._read(BLOCK)
        self._start = b""
        self._text += self._decode(data, final=not data)
        return bool(data)
