"""The parameters that the cells of a notebook set."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_INJECTED_BY_PAPERMILL = "# Parameters"
_EVERY_NOTEBOOK_HAS = "target"


def parameters_set(cells: Iterable[str]) -> Iterator[str]:
    """
    Yield the names that parameters cells assigned, according to IPython's history.

    There is the notebook's own cell, and papermill's, which begins with a comment. Of
    each the latest counts: it may correct an earlier one.
    """
    for body in _latest(cells).values():
        for node in body:
            yield from _names(node)


def parameters_injected(cells: Iterable[str]) -> Iterator[str]:
    """Yield the names that papermill set, in a cell after the notebook's own."""
    for node in _latest(cells).get(True, ()):
        yield from _names(node)


def _latest(cells: Iterable[str]) -> dict[bool, list[ast.stmt]]:
    """Return the latest parameters cells, by whether papermill injected them."""
    latest: dict[bool, list[ast.stmt]] = {}
    for source in cells:
        try:
            body = ast.parse(source).body
        except SyntaxError:
            continue  # a cell with a magic, or a typing error
        injected = source.startswith(_INJECTED_BY_PAPERMILL)
        if injected or _is_the_notebooks_own(body):
            latest[injected] = body
    return latest


def _is_the_notebooks_own(body: list[ast.stmt]) -> bool:
    """Return whether it is the parameters cell, however it was edited."""
    assigned = [node for node in body if isinstance(node, ast.Assign | ast.AnnAssign)]
    annotated = any(isinstance(node, ast.AnnAssign) for node in body)
    return (annotated and assigned == body) or any(
        _names(node) == [_EVERY_NOTEBOOK_HAS] and isinstance(node.value, ast.Constant)
        for node in assigned
    )


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        targets = node.targets
    else:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]
