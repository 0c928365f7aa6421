"""The table of downloads: a row per URL."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fetcher.contract.carried_columns import masked_columns
from fetcher.contract.outcome import ORDER, Outcome
from fetcher.contract.template_source import Template, parts_of
from fetcher.security.masking import masked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from experiment.tables.outcome_merging import OutcomeBlock
    from fetcher.lists.url_list import RowBlock, UrlList

_OUTCOMES = [outcome.value for outcome in ORDER]
_REFUSED = [ORDER.index(one) for one in (Outcome.BAD_URL, Outcome.DUPLICATE)]


class Names(NamedTuple):
    """The values that are in every row, so that tables can be joined."""

    run: str
    target: str
    file_kb: float


def downloads_table(
    block: OutcomeBlock, urls: Template | UrlList, names: Names
) -> pa.Table:
    """
    Return one row per URL, in the plan's order.

    Returns:
        Columns run, target, file_kb, number, url, outcome (a category), status,
        body_bytes, started_at (seconds since 1970), seconds, attempts, content_type (as
        sent), found_type (as its first bytes show), wave, shard, detail; of a list,
        carried, too: its other columns as JSON.
    """
    rows = len(block.numbers)
    columns = dict(block.columns)
    codes = columns.pop("outcome")
    types = _texts(list(block.types))
    category, first = pa.DictionaryArray.from_arrays, np.zeros(rows, np.int8)
    url, *carried = _urls(block, urls)  # sets details, too
    detail = pa.repeat("", rows) if block.details is None else _texts(block.details)
    return pa.table(
        {
            "run": category(first, [names.run]),
            "target": category(first, [names.target]),
            "file_kb": pa.repeat(float(names.file_kb), rows),
            "number": block.numbers,
            "url": url,
            "outcome": category(codes, _OUTCOMES),
            **columns,
            "content_type": category(columns["content_type"], types),
            "found_type": category(columns["found_type"], types),
            "detail": detail,
            **({"carried": carried[0]} if carried else {}),
        }
    )


def _urls(block: OutcomeBlock, urls: Template | UrlList) -> list[pa.Array]:
    """
    Return the masked URLs of a block, each made from the template it was requested by.

    Those of a list come with what its rows carry; rows that the list itself settled get
    the reason as their detail.
    """
    if not isinstance(urls, Template):
        span = int(block.numbers[0]), len(block.numbers)
        texts: list[str] = []
        carried: list[str] = []
        for rows in urls.blocks([span]):
            texts += map(masked, rows.urls)
            carried += map(masked_columns, rows.carried or [""] * len(rows.urls))
            _explain(block, rows)
        return [_texts(texts), _texts(carried)]
    column = _numbered(urls.text, block.numbers)
    for template, code in block.templates.items():
        if template != urls.text:
            mask = block.template_codes == code
            others = _numbered(template, block.numbers[mask])
            column = pc.replace_with_mask(column, mask, others)
    return [column]


def _explain(block: OutcomeBlock, rows: RowBlock) -> None:
    """Set the details of rows that were not fetched: a report may have no room."""
    if not rows.refusals:
        return
    if block.details is None:
        block.details = np.full(len(block.numbers), "", object)
    for at, refusal in enumerate(rows.refusals, rows.first - int(block.numbers[0])):
        if refusal and block.columns["outcome"][at] in _REFUSED:
            block.details[at] = refusal.partition(": ")[2]


def _texts(texts: Sequence[str] | NDArray[np.object_]) -> pa.Array:
    """Return a column of texts, even if JSON had lone surrogates in them."""
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([writable(text) for text in texts], pa.string())


def writable(text: str) -> str:
    r"""
    Return a text with lone surrogates escaped, which UTF-8 cannot encode.

    >>> writable("caf\udce9"), writable("café")
    ('caf\\udce9', 'café')
    """
    return text.encode(errors="backslashreplace").decode()


def _numbered(template: str, numbers: np.ndarray) -> pa.Array:
    (first, *texts), divisors = parts_of(template)
    filled = [numbers if by is None else numbers % by for by in divisors]
    digits = [pa.array(each).cast(pa.string()) for each in filled]
    parts = chain.from_iterable(zip(digits, texts, strict=True))
    return pc.binary_join_element_wise(first, *parts, "")
