"""Rows of a list with their bodies, and the tars that these are kept in."""

from __future__ import annotations

import json

from tests.support.bucket_contents import files_in, rows_in
from tests.support.tar_sink import write

from fetcher.contract.source import Item

ITEMS = [
    Item(n, f"http://h/{n}", carried=json.dumps({"caption": f"number {n}"}))
    for n in range(12)
]


def items_in(spans):
    """Return the list's items, each asked for by itself."""
    return (ITEMS[first] for first, count in spans if count == 1)


def body(item):
    return f"{item.number}".encode() * (400 * item.number)


def fill(sink, items, download):
    """Keep bodies, half of them in pieces; return their paths."""
    return {
        item.number: write(sink, item, body(item), download)
        if item.number % 2
        else sink.keep(item, [body(item)], download)
        for item in items
    }


def tars_by_row(tars):
    """
    Return which tar each row is in, by position; the indices are checked.

    Args:
        tars: Each with its index, by their names.
    """
    found = {}
    for name, (tar, index) in tars.items():
        files = files_in(tar)
        for row in rows_in(index):
            position, end = row["row"] - 1, row["offset"] + row["size"]
            assert files[row["key"]] == tar[row["offset"] : end]
            assert files.pop(row["key"]) == body(ITEMS[position])
            beside = json.loads(files.pop(f"{position + 1:09}.json"))
            assert beside["caption"] == f"number {position}"
            assert beside.items() <= row.items()
            assert position not in found
            found[position] = name
        assert files == {}
    return found
