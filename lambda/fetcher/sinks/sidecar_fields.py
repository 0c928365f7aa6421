"""The sidecar of a body: JSON about it."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from fetcher.contract.carried_columns import carried_fields
from fetcher.security.masking import masked

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item


def fields_of(
    item: Item, size: int, download: Download, *, with_row: bool = True
) -> str:
    """Return what is said of a body beside it: JSON without its braces."""
    told, found, sha256 = download[3:6]
    row = f'"row": {item.row}, ' if with_row else ""
    fields = (
        f'{row}"url": {quoted(masked(item.url))}, "status": {download.status}, '
        f'"bytes": {size}'
    )
    if told:
        fields += f', "content_type": {quoted(told)}'
    if found:
        fields += f', "found_type": "{found}"'
    if download.width:
        fields += f', "width": {download.width}, "height": {download.height}'
    if item.destination:
        fields += f', "destination": {quoted(item.destination)}'
    if digest := sha256 or item.sha256.lower():
        fields += f', "sha256": "{digest}"'
    return fields + carried_fields(item)
