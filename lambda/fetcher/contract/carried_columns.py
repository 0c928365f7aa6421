"""
Columns of a list that go along with its rows, and the names they get.

Reports, and the JSON beside a body, have columns of their own. A column of the list
that is called like one of them, in capitals or not, is called ``list_`` and its name
there: SQL engines do not tell ``WIDTH`` from ``width``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from fetcher.security.masking import masked_in

if TYPE_CHECKING:
    from fetcher.contract.source import Item

# Of reports, of what is said of a body beside it, and of a tar's index.
OWN_NAMES = (
    *("row", "url", "outcome", "status", "detail", "path", "bytes", "sha256"),
    *("content_type", "found_type", "width", "height", "seconds", "attempts"),
    *("destination", "key", "offset", "size"),
)
LONGEST_LINE = 2**20  # characters of a line of a list: far above any caption
LONGEST_TOLD = 16 * LONGEST_LINE  # bytes of what is told of one: ASCII, so escaped
_PREFIX = "list_"
_TAKEN = rf"(?:{_PREFIX})*(?:{'|'.join(OWN_NAMES)})"
_is_taken = re.compile(_TAKEN, re.IGNORECASE).fullmatch
# The quote that begins such a name: escaped, it would stand in a text.
_begins_taken = re.compile(rf'"(?<!\\")(?={_TAKEN}"\s*:)', re.IGNORECASE)


def carried_name(name: str) -> str:
    """
    Return what a column of the list is called beside columns of ours.

    >>> [carried_name(one) for one in ("caption", "width", "WIDTH", "list_width")]
    ['caption', 'list_width', 'list_WIDTH', 'list_list_width']
    """
    return f"{_PREFIX}{name}" if _is_taken(name) else name


def carried_fields(item: Item) -> str:
    """
    Return what a row carries along as JSON to go on with, empty if that is nothing.

    URLs in it are masked.

    >>> from fetcher.contract.source import Item
    >>> carried_fields(Item(0, "http://h/", carried='{"caption": "a cat", "width": 7}'))
    ', "caption": "a cat", "list_width": 7'
    """
    text = item.carried
    if not text:  # nearly always
        return ""
    if text.rfind("{") == 0:  # there are no names but those of columns
        text = _begins_taken.sub(f'"{_PREFIX}', text)
    elif _begins_taken.search(text):
        columns = {carried_name(name): value for name, value in item.columns.items()}
        text = json.dumps(columns)
    text = masked_columns(text)
    inner = text[1:-1]
    return f", {inner}" if inner else ""


def masked_columns(text: str) -> str:
    """
    Return a JSON object, as in `Item.carried`, with the URLs in its values masked.

    >>> masked_columns('{"thumb": "http://h/1.jpg?size=2&sig=12ab"}')
    '{"thumb": "http://h/1.jpg?size=2&sig=***"}'
    """
    if "://" not in text or masked_in(text) == text:
        return text
    return json.dumps(_masked_value(json.loads(text)))


def _masked_value(value: Any) -> Any:  # noqa: ANN401 - as JSON has it
    if isinstance(value, str):
        return masked_in(value) if "://" in value else value
    if isinstance(value, list):
        return list(map(_masked_value, value))
    if isinstance(value, dict):
        return {name: _masked_value(one) for name, one in value.items()}
    return value
