"""Rows of a Parquet file, read by pyarrow in pieces."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any

from fetcher.lists.columns import Rows, carrier
from fetcher.lists.inputs import Foreign, pyarrow_for
from fetcher.lists.problems import UrlListError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fetcher.lists.columns import Columns, Notes
    from fetcher.lists.inputs import Input

_AT_ONCE = 1_024  # rows
_BUFFER = 2**18  # bytes: pages are read as they are needed, not whole columns


def parquet_rows(given: Input, columns: Columns, notes: Notes) -> Iterator[Rows]:
    """
    Yield the rows of a file; columns of bytes are not carried along.

    Raises:
        UrlListError: If it is no Parquet, lacks a column, or URLs are no texts.
    """
    pa = pyarrow_for(given.name)
    from pyarrow import parquet  # noqa: PLC0415 - it is there, then

    try:
        file = parquet.ParquetFile(given.raw, buffer_size=_BUFFER, pre_buffer=False)
        schema = file.schema_arrow
        names = columns.found_in(schema.names)
        if names is None:
            raise columns.missing(schema.names, given.name)
        _check_type(pa, schema.field(names[0]), given.name)
        others = [one for one in schema if one.name not in names and not _is_raw(one)]
        wanted = [*filter(None, names), *(one.name for one in others)]
        count = 0
        for batch in file.iter_batches(_AT_ONCE, columns=wanted, use_threads=False):
            url, name, sha256 = (
                _texts(pa, batch.column(one)) if one else () for one in names
            )
            carried = _objects(pa, batch, [one.name for one in others])
            count += len(batch)
            notes.share = count / file.metadata.num_rows
            yield Rows(url, name, sha256, carried)
    except (pa.ArrowException, OSError) as error:
        msg = f"{given.name} cannot be read as Parquet: {error}"
        raise UrlListError(msg) from error


def _is_raw(field: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    """Tell whether a column holds bytes, like pictures: JSON cannot."""
    return "binary" in str(field.type)


def _texts(pa: Any, column: Any) -> list[str | None]:  # noqa: ANN401
    """Return a column's values; bytes that are not UTF-8 are read as Latin-1."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        texts: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        texts = column.cast(pa.large_binary()).to_pylist()
    if bytes not in set(map(type, texts)):
        return texts
    return [None if one is None else one.decode(errors=Foreign.name) for one in texts]


def _objects(pa: Any, batch: Any, names: Sequence[str]) -> list[str]:  # noqa: ANN401
    """Return each row's columns as a JSON object."""
    if not names:
        return []
    return carrier(names)(_as_json(pa, batch.column(name)) for name in names)


def _as_json(pa: Any, column: Any) -> Iterable[str]:  # noqa: ANN401
    """Return a column's values as JSON."""
    kind = column.type
    if pa.types.is_integer(kind):
        return ["null" if one is None else str(one) for one in column.to_pylist()]
    if pa.types.is_floating(kind):  # three times as fast as Python's `repr`
        texts = column.cast(pa.float64()).cast(pa.string()).to_pylist()
        return [one if one and "." in one else _round(one) for one in texts]
    if kind in _text_types(pa):
        texts = _texts(pa, column)
        return ["null" if one is None else quoted(one) for one in texts]
    return [json.dumps(one, default=str) for one in column.to_pylist()]


def _text_types(pa: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return pa.string(), pa.large_string(), pa.string_view()


def _round(text: str | None) -> str:
    """
    Return a floating-point number without a point as JSON.

    >>> [_round(text) for text in ("5", "1e-7", "-inf", None)]
    ['5.0', '1e-7', 'null', 'null']
    """
    if text is None or text.lstrip("-") in ("nan", "inf"):
        return "null"
    return text if "e" in text else f"{text}.0"


def _check_type(pa: Any, field: Any, name: str) -> None:  # noqa: ANN401
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if kind not in (*_text_types(pa), pa.binary(), pa.large_binary(), pa.null()):
        msg = f"In {name}, column {field.name!r} is of type {kind}; it must be text."
        raise UrlListError(msg)
