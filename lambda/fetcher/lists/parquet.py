"""Rows of a Parquet file, read by pyarrow in pieces."""

from __future__ import annotations

import shutil
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from fetcher.lists.columns import Rows, as_json, as_objects, told_apart
from fetcher.lists.files.decoded_lines import Foreign
from fetcher.lists.files.inputs import pyarrow_for
from fetcher.lists.problems import UrlListError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetcher.lists.columns import Columns
    from fetcher.lists.files.inputs import Input

_AT_ONCE = 1_024  # rows
_BUFFER = 2**18  # bytes: pages are read as they are needed, not whole columns


def parquet_rows(given: Input, columns: Columns) -> Iterator[Rows]:
    """
    Yield the rows of a file; columns of bytes are not carried along.

    Raises:
        UrlListError: If it is no Parquet, lacks a column, or URLs are no texts.
    """
    pa = pyarrow_for(given.name)
    from pyarrow import parquet  # noqa: PLC0415 - it is there, then

    source = _whole(given)
    try:
        file = parquet.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False)
        schema = file.schema_arrow
        known = told_apart(schema.names)
        names = columns.found_in(known)
        if names is None:
            raise columns.missing(known, given.name)
        _check_type(pa, schema.field(known.index(names[0])), given.name)
        kinds = zip(known, schema, strict=True)
        others = [
            one
            for one, field in kinds
            if one not in names and "binary" not in str(field.type)
        ]
        wanted = {*filter(None, names), *others}
        chosen = [schema.names[at] for at, one in enumerate(known) if one in wanted]
        count = 0
        for batch in file.iter_batches(_AT_ONCE, columns=chosen, use_threads=False):
            column = {}  # all that are called so, which may be more than were wanted
            for one, values in zip(batch.schema.names, batch.columns, strict=True):
                at = schema.names.index(one)
                while known[at] in column:
                    at = schema.names.index(one, at + 1)
                column[known[at]] = values
            url, name, sha256 = (
                _values(pa, column[one]) if one else () for one in names
            )
            texts = (_as_json(pa, column[one]) for one in others)
            carried = as_objects(others, texts)
            count += len(batch)
            given.share = count / file.metadata.num_rows
            yield Rows(url, name, sha256, carried)
    except (pa.ArrowException, OSError) as error:
        msg = f"{given.name} cannot be read as Parquet: {error}"
        raise UrlListError(msg) from error
    finally:
        if source is not given.raw:
            source.close()


def _whole(given: Input) -> Any:  # noqa: ANN401
    """Return a file that can be read at any place: its end is read first."""
    if given.rest is given.raw and given.raw.seekable():
        return given.raw
    whole = TemporaryFile(prefix="fetcher-list-")  # noqa: SIM115 - its reader closes it
    whole.write(given.start)
    shutil.copyfileobj(given.rest, whole)
    return whole


def _values(pa: Any, column: Any) -> list[Any]:  # noqa: ANN401 - pyarrow has no types
    """
    Return a column's values; texts that are not UTF-8 are read as Latin-1.

    A nested value with such a text is None as a whole, and so is what Python does not
    have, such as a time after the year 9999.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):
        if pa.types.is_nested(column.type) or pa.types.is_temporal(column.type):
            return list(map(_value, column))
        values = column.cast(pa.large_binary()).to_pylist()
    if bytes not in set(map(type, values)):
        return values
    return [None if one is None else one.decode(errors=Foreign.name) for one in values]


def _value(scalar: Any) -> Any:  # noqa: ANN401
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return None


def _as_json(pa: Any, column: Any) -> Iterable[str]:  # noqa: ANN401
    if pa.types.is_temporal(column.type):  # Python has no nanoseconds
        column = column.cast(pa.string())
    if not pa.types.is_floating(column.type):
        return as_json(_values(pa, column))
    # A quarter of what Python's `repr` of floating-point numbers takes.
    texts = column.cast(pa.float64()).cast(pa.string()).to_pylist()
    return [one if one and "." in one else _number(one) for one in texts]


def _number(text: str | None) -> str:
    """
    Return a floating-point number without a point as JSON, which has no infinity.

    >>> [_number(text) for text in ("5", "1e-7", "-inf", None)]
    ['5.0', '1e-7', 'null', 'null']
    """
    if text is None or text.lstrip("-") in ("nan", "inf"):
        return "null"
    return text if "e" in text else f"{text}.0"


def _check_type(pa: Any, field: Any, name: str) -> None:  # noqa: ANN401
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    texts = pa.string(), pa.large_string(), pa.string_view()
    if kind not in (*texts, pa.binary(), pa.large_binary(), pa.null()):
        msg = f"In {name}, column {field.name!r} is of type {kind}; it must be text."
        raise UrlListError(msg)
