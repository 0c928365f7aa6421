"""
The lines of the report: JSON for each row of the list, written as downloads end.

Columns that the list carries come last, under `fetcher.contract.carried_columns` names.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any

from fetcher.contract.carried_columns import carried_fields
from fetcher.security.masking import masked

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item

BEGINNING = b'{"row": '
OLD_BEGINNING = b'{"url": "'  # of earlier versions
FIELDS: dict[str, type] = {  # in order, each with its type
    "row": int,
    "url": str,
    "outcome": str,
    "status": int,
    "detail": str,
    "path": str,
    "bytes": int,
    "sha256": str,
    "content_type": str,
    "found_type": str,
    "width": int,
    "height": int,
    "seconds": float,
    "attempts": int,
}
# Reports of earlier versions lack them.
_NEWER = {"row", "sha256", "content_type", "found_type", "width", "height"}
_NEEDED = FIELDS.keys() - _NEWER
_LAST = b'"attempts": '
_NULL = "null"


def line_of(item: Item, download: Download) -> str:
    """Return the line of one row, its end included."""
    detail = quoted(download.detail) if download.detail else '""'
    carried = carried_fields(item) if item.carried else ""
    return (
        f'{{"row": {item.row}, "url": {quoted(masked(item.url))}, '
        f'"outcome": "{download.outcome}", "status": {download.status}, '
        f'"detail": {detail}, "path": {quoted(download.path)}, '
        f'"bytes": {download.body_bytes}, "sha256": "{download.sha256}", '
        f'"content_type": {quoted(download.content_type)}, '
        f'"found_type": "{download.found_type}", '
        f'"width": {download.width or _NULL}, "height": {download.height or _NULL}, '
        f'"seconds": {download.seconds:.6f}, "attempts": {download.attempts}'
        f"{carried}}}\n"
    )


def line_again(line: bytes, item: Item) -> bytes:
    """Return the line of an earlier report, for a row that may have moved since."""
    tail = f"{carried_fields(item)}}}\n".encode()
    own = line.removesuffix(tail)
    has_tail = own != line and own.rpartition(b", ")[2].startswith(_LAST)
    if has_tail and line.startswith(b"%b%d, " % (BEGINNING, item.row)):
        return line
    fields = fields_of(line)
    assert fields is not None, "it was read before"
    renewed = {name: fields.get(name) for name in FIELDS} | {"row": item.row}
    return json.dumps(renewed)[:-1].encode() + tail


def fields_of(line: bytes) -> dict[str, Any] | None:
    """Return the fields of a line; None if it is not one of a report."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not fields.keys() >= _NEEDED:
        return None
    texts = (fields["url"], fields["outcome"], fields["path"])
    return fields if all(isinstance(text, str) for text in texts) else None
