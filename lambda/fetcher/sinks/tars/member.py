"""
Members of a tar in WebDataset's format: a body, and a JSON beside it.

The part of a name before the first dot is the key that both share; keys are the files'
numbers, or their rows in a list, so no two are alike. Headers are POSIX ustar's, as
`tarfile` writes them, in a tenth of its time.
https://github.com/webdataset/webdataset#the-webdataset-format
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from fetcher.sinks.file_extension import extension_of
from fetcher.sinks.sidecar_fields import fields_of

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item

BLOCK = 512
END = bytes(2 * BLOCK)

_MOST_BYTES = 8**11 - 1  # eleven octal digits
_OWNER = b"0000644\0" + b"0000000\0" * 2
_MODIFIED = b"00000000000\0"
_REST = b"0".ljust(101, b"\0") + b"ustar\00000"
_REST += bytes(BLOCK - 100 - len(_OWNER) - 12 - len(_MODIFIED) - 8 - len(_REST))
# Of all bytes but name, size and the checksum itself, which counts as eight spaces.
_SUM = sum(_OWNER) + sum(_MODIFIED) + sum(_REST) + 8 * ord(" ")


class Member(NamedTuple):
    """
    A file, but for the bytes of its body.

    Attributes:
        tail: Comes after it: padding, and the JSON with a head and padding of its own.

        fields: The JSON, without its braces.
    """

    name: str
    head: bytes
    tail: bytes
    fields: str


def member_of(
    item: Item, size: int, download: Download, *, by_row: bool = False
) -> Member:
    """
    Return the member for a body, named after its row, or else after its number.

    Raises:
        OSError: If it is too large for a header.

    >>> from fetcher.contract.source import Item
    >>> from fetcher.transfer.sink import WHOLE
    >>> member_of(Item(7, "http://h/a.png"), 5, WHOLE).name
    '000000007.png'
    """
    if size > _MOST_BYTES:
        msg = f"the body has {size:,} bytes; a tar's header can say {_MOST_BYTES:,}"
        raise OSError(errno.EFBIG, msg)
    key = f"{item.row if by_row else item.number:09}"
    fields = fields_of(item, size, download, with_row=by_row)
    ending = extension_of(item, download)
    name = f"{key}.{'body.json' if ending == 'json' else ending}"
    beside = b"{%b}" % fields.encode("ascii")
    tail = b"".join(
        (
            bytes(-size % BLOCK),
            header(f"{key}.json", len(beside)),
            beside,
            bytes(-len(beside) % BLOCK),
        )
    )
    return Member(name, header(name, size), tail, fields)


def header(name: str, size: int) -> bytes:
    """Return the header block of a file."""
    raw, digits = name.encode("ascii"), b"%011o" % size
    check = b"%06o\0 " % (_SUM + sum(raw) + sum(digits))
    return b"".join(
        (raw.ljust(100, b"\0"), _OWNER, digits, b"\0", _MODIFIED, check, _REST)
    )
