"""Rows of a Parquet file, read by pyarrow in pieces."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any

from fetcher.lists.columns import Rows
from fetcher.lists.inputs import Foreign, pyarrow_for
from fetcher.lists.problems import UrlListError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


def _texts(pa: Any, column: Any) -> list[Any]:  # noqa: ANN401
    """Return a column's values; bytes that are not UTF-8 are read as Latin-1."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        texts = _plain_texts(pa, column) or column.to_pylist()
    except UnicodeDecodeError:
        texts = column.cast(pa.large_binary()).to_pylist()
    if not any(isinstance(one, bytes) for one in texts):
        return texts
    return [_decoded(one) for one in texts]


def _decoded(raw: Any) -> Any:  # noqa: ANN401
    return raw.decode(errors=Foreign.name) if isinstance(raw, bytes) else raw


def _plain_texts(pa: Any, column: Any) -> list[str]:  # noqa: ANN401
    """Return the same, five times as fast, of ASCII without nulls; empty: it is not."""
    if column.type != pa.string() or column.null_count or not len(column):
        return []
    _, offsets, data = column.buffers()
    ends = memoryview(offsets).cast("i")[
        column.offset : column.offset + len(column) + 1
    ]
    text = bytes(memoryview(data)[ends[0] : ends[-1]]).decode(errors="replace")
    if not text.isascii():
        return []
    start = ends[0]
    return [text[at - start : end - start] for at, end in pairwise(ends.tolist())]


def _objects(pa: Any, batch: Any, names: Sequence[str]) -> list[str]:  # noqa: ANN401
    """Return each row's columns as a JSON object, put together by Arrow."""
    import pyarrow.compute as pc  # noqa: PLC0415 - it is there

    parts: list[Any] = []
    for place, name in enumerate(names):
        start = ", " if place else "{"
        parts += [f"{start}{quoted(name)}: ", _as_json(pa, pc, batch.column(name))]
    if not parts:
        return []
    return _texts(pa, pc.binary_join_element_wise(*parts, "}", ""))


def _as_json(pa: Any, pc: Any, column: Any) -> Any:  # noqa: ANN401
    """Return a column's values as JSON, in a column."""
    kind = column.type
    if pa.types.is_integer(kind):
        return pc.fill_null(column.cast(pa.string()), "null")
    if kind == pa.string():
        texts = _plain_texts(pa, column) or _texts(pa, column)
        return pa.array(["null" if one is None else quoted(one) for one in texts])
    values = (_value_as_json(one) for one in column.to_pylist())
    return pa.array(list(values), pa.string())


def _value_as_json(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "null"
    return json.dumps(value, default=str)


def _check_type(pa: Any, field: Any, name: str) -> None:  # noqa: ANN401
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    texts = pa.string(), pa.large_string(), pa.string_view()
    if kind not in (*texts, pa.binary(), pa.large_binary(), pa.null()):
        msg = f"In {name}, column {field.name!r} is of type {kind}; it must be text."
        raise UrlListError(msg)
