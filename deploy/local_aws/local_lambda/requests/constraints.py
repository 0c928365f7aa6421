"""Constraints of the service model, and Lambda's messages for broken ones."""

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from botocore.model import Shape

from aws_facts.limits import limit

# The model's own maxima are those of Managed Instances.
_MAXIMA = {
    "Timeout": limit("timeout_s").most,
    "MemorySize": limit("memory_mb").most,
    "Size": limit("tmp_mb").most,
}

_Value = float | str | Sequence[object]


def problems(
    shape: Shape, value: object, path: str = "", name: str = ""
) -> Iterator[str]:
    """Yield Lambda's messages about wrong parameters."""
    if isinstance(value, dict) and shape.type_name == "structure":
        for missing in sorted(set(shape.required_members) - value.keys()):
            where = join(path, missing)
            yield _problem("Value null", where, "Member must not be null")
        for key, item in value.items():
            yield from problems(shape.members[key], item, join(path, key), key)
    elif isinstance(value, dict):
        yield from _map_problems(shape, value, path)
    elif isinstance(value, list):
        yield from _list_problems(shape, value, path)
    elif isinstance(value, float | int | str):
        for broken in _broken(shape, value, name):
            yield _problem(f"Value '{value}'", path, broken)


def _map_problems(
    shape: Shape, value: Mapping[str, _Value], path: str
) -> Iterator[str]:
    entries = ", ".join(f"{key}={item}" for key, item in value.items())
    shown = "Value" if shape.metadata.get("sensitive") else f"Value '{{{entries}}}'"
    if any(_broken(shape.key, key) for key in value):
        rules = ", ".join(_rules(shape.key))
        yield _problem(shown, path, f"Map keys must satisfy constraint: [{rules}]")
    if any(_broken(shape.value, item) for item in value.values()):
        rules = ", ".join([*_rules(shape.value), "Member must not be null"])
        yield _problem(shown, path, f"Map value must satisfy constraint: [{rules}]")


def _list_problems(shape: Shape, value: list[_Value], path: str) -> Iterator[str]:
    shown = f"Value '[{', '.join(map(str, value))}]'"
    for broken in _broken(shape, value):
        yield _problem(shown, path, broken)
    if shape.member.type_name in ("structure", "map", "list"):
        for place, item in enumerate(value, start=1):
            yield from problems(shape.member, item, f"{path}.{place}.member")
    elif any(_broken(shape.member, item) for item in value):
        rules = ", ".join([*_rules(shape.member), "Member must not be null"])
        yield _problem(shown, path, f"Member must satisfy constraint: [{rules}]")


def _problem(shown: str, path: str, constraint: str) -> str:
    return f"{shown} at '{path}' failed to satisfy constraint: {constraint}"


def _broken(shape: Shape, value: _Value, name: str = "") -> list[str]:
    return [rule for rule, keeps in _rules(shape, name).items() if not keeps(value)]


@functools.cache
def _rules(shape: Shape, name: str = "") -> dict[str, Callable[[_Value], bool]]:
    """Return the rules for a value, in Lambda's words and order."""
    limits = shape.metadata
    kind = "value" if shape.type_name in ("integer", "long", "double") else "length"
    rules: dict[str, Callable[[_Value], bool]] = {}
    maximum = _MAXIMA.get(name, limits.get("max"))
    if maximum is not None:
        rule = f"Member must have {kind} less than or equal to {maximum}"
        rules[rule] = lambda value: _size(value) <= maximum
    minimum = limits.get("min")
    if minimum is not None:
        rule = f"Member must have {kind} greater than or equal to {minimum}"
        rules[rule] = lambda value: _size(value) >= minimum
    pattern = limits.get("pattern")
    if pattern:
        # Python's re has no Unicode categories: letters, separators, numbers, nearly.
        spelled = pattern.replace(r"\p{L}\p{Z}\p{N}_", r"\w\s")
        rule = f"Member must satisfy regular expression pattern: {pattern}"
        rules[rule] = lambda value: re.fullmatch(spelled, str(value)) is not None
    # Runtime has an enum too, but Lambda refuses that one itself, in other words.
    allowed = [] if name == "Runtime" else limits.get("enum", [])
    if allowed:
        rule = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        rules[rule] = lambda value: value in allowed
    return rules


def _size(value: _Value) -> float:
    return value if isinstance(value, float | int) else len(value)


def join(path: str, name: str) -> str:
    """Spell a member as AWS's messages do: ``ephemeralStorage.size``."""
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member
