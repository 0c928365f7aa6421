"""
Requests checked against openapi.json.

That description is the service's only list of fields and limits, so it cannot differ
from what the service does.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetcher.security.masking import masked_in
from fetcher.service.function_url_events import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Schema = dict[str, Any]

_FILE = Path(__file__).with_name("openapi.json")
_WHERE = "#/components/schemas/"
_SHOWN = 80  # characters of a value that is refused
_NUMBERS = {"integer", "number"}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "string": str,
}


@cache
def document() -> dict[str, Any]:
    """Return the description of the service."""
    found: dict[str, Any] = json.loads(_FILE.read_bytes())
    return found


def check(value: object, name: str, where: str) -> None:
    """
    Refuse a value that its schema does not allow.

    Raises:
        Refusal: 422, with the first problem.

    >>> check("a", "Items", "body")
    Traceback (most recent call last):
    fetcher.service.function_url_events.Refusal: body is "a"; it must be of type array.
    """
    for problem in _problems(value, {"$ref": f"{_WHERE}{name}"}, where):
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, problem)


def _problems(value: Any, schema: Schema, where: str) -> Iterator[str]:  # noqa: ANN401
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"][len(_WHERE) :]]
    expected = schema.get("type", "enum")
    if expected != "enum" and not _is_a(value, expected):
        yield f"{where} is {_shown(value)}; it must be of type {expected}."
    elif expected in _PROBLEMS:
        yield from _PROBLEMS[expected](value, schema, where)


def _problems_of_array(value: list[Any], schema: Schema, where: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{where} has nothing in it."
    for index, item in enumerate(value):
        yield from _problems(item, schema["items"], f"{where}[{index}]")


def _problems_of_choice(value: object, schema: Schema, where: str) -> Iterator[str]:
    if value not in schema["enum"]:
        allowed = ", ".join(schema["enum"])
        yield f"{where} is {_shown(value)}; it must be one of: {allowed}."


def _problems_of_number(value: float, schema: Schema, where: str) -> Iterator[str]:
    if not schema["minimum"] <= value <= schema["maximum"]:
        yield (
            f"{where} is {_shown(value)}; it must be from {schema['minimum']} to "
            f"{schema['maximum']}."
        )


def _problems_of_object(
    value: dict[str, Any], schema: Schema, where: str
) -> Iterator[str]:
    properties = schema["properties"]
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where} has no {name}."
    choice = [name for one in schema.get("oneOf", ()) for name in one["required"]]
    if choice and sum(name in value for name in choice) != 1:
        yield f"{where} must have one of these, and not several: {', '.join(choice)}."
    for name, inner in value.items():
        if name in properties:
            yield from _problems(inner, properties[name], f"{where}.{name}")
        else:
            known = ", ".join(properties)
            yield f"{where} has {_shown(name)}; it may have: {known}."


def _problems_of_text(value: str, schema: Schema, where: str) -> Iterator[str]:
    most = schema.get("maxLength", math.inf)
    if len(value) > most:
        yield f"{where} is {len(value):,} characters long; at most {most:,}."
    # Python's $ lets a line feed follow; a schema's does not, and nor does fullmatch.
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        yield f"{where} is {_shown(value)}; it must match {schema['pattern']}."


_PROBLEMS: dict[str, Callable[[Any, Schema, str], Iterator[str]]] = {
    "array": _problems_of_array,
    "enum": _problems_of_choice,
    "integer": _problems_of_number,
    "number": _problems_of_number,
    "object": _problems_of_object,
    "string": _problems_of_text,
}


def _is_a(value: object, expected: str) -> bool:
    if expected in _NUMBERS and isinstance(value, bool):
        return False
    if expected == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[expected])


def _shown(value: object) -> str:
    text = masked_in(json.dumps(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
