"""The report file: one JSON line for each URL, written as downloads end."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any

from fetcher.security.masking import masked

if TYPE_CHECKING:
    from fetcher.contract.downloads import Download
    from fetcher.contract.source import Item

BEGINNING = b'{"url": "'
_FIELDS = {
    *("url", "outcome", "status", "bytes"),
    *("seconds", "attempts", "path", "detail"),
}
_NEWER_FIELDS = {"content_type", "found_type"}  # reports of 0.1.0 lack them


def line_of(item: Item, download: Download) -> str:
    """Return the line of one URL, its end included."""
    detail = quoted(download.detail) if download.detail else '""'
    return (
        f'{{"url": {quoted(masked(item.url))}, "outcome": "{download.outcome}", '
        f'"status": {download.status}, "bytes": {download.body_bytes}, '
        f'"seconds": {download.seconds:.6f}, "attempts": {download.attempts}, '
        f'"path": {quoted(download.path)}, "detail": {detail}, '
        f'"content_type": {quoted(download.content_type)}, '
        f'"found_type": {quoted(download.found_type)}}}\n'
    )


def fields_of(line: bytes) -> dict[str, Any] | None:
    """Return the fields of a line; None if it is not one of a report."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or fields.keys() - _NEWER_FIELDS != _FIELDS:
        return None
    texts = (fields["url"], fields["outcome"], fields["path"])
    return fields if all(isinstance(text, str) for text in texts) else None
