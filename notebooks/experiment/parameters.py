"""Which parameters a notebook was given: papermill only warns about unknown ones."""

from __future__ import annotations

import ast
import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_INJECTED_BY_PAPERMILL = "# Parameters"


def parameters_set(cells: Iterable[str]) -> Iterator[str]:
    """
    Yield the names that parameters cells assigned, going by IPython's history.

    The notebook's own cell holds nothing but annotated assignments; papermill's has a
    heading of its own. Of each the latest counts: it may mend an earlier one.
    """
    latest: dict[bool, list[ast.expr]] = {}
    for source in cells:
        try:
            body = ast.parse(source).body
        except SyntaxError:
            continue  # a cell with a magic, or one that somebody mistyped
        if source.startswith(_INJECTED_BY_PAPERMILL):
            plain = [node for node in body if isinstance(node, ast.Assign)]
            names: list[ast.expr] = [name for node in plain for name in node.targets]
        else:
            annotated = [node for node in body if isinstance(node, ast.AnnAssign)]
            if len(annotated) < len(body):
                continue
            names = [node.target for node in annotated]
        latest[source.startswith(_INJECTED_BY_PAPERMILL)] = names
    for names in latest.values():
        yield from (name.id for name in names if isinstance(name, ast.Name))


def unknown_parameter(name: str, known: list[str]) -> str:
    """Return what to say of a parameter that does not exist."""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known)}."
    return f"There is no parameter {name!r}. {hint}"
