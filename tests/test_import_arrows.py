"""Imports point one way: experiment to rollout to fetcher."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "fetcher": ROOT / "lambda" / "fetcher",
    "rollout": ROOT / "deploy" / "rollout",
    "experiment": ROOT / "notebooks" / "experiment",
}
ALLOWED = {
    "fetcher": {"fetcher"},
    "rollout": {"rollout", "fetcher"},
    "experiment": {"experiment", "rollout", "fetcher"},
}
MODULES = [
    pytest.param(package, path, id=str(path.relative_to(ROOT)))
    for package, folder in PACKAGES.items()
    for path in sorted(folder.rglob("*.py"))
]
IN_THE_ZIP = {"fetcher", "aiohttp", "yarl", "pycurl", "certifi"}
FOR_TYPES_ONLY = {"_typeshed", "awslambdaric"}


def imported(tree):
    """Return the top-level packages that are imported, anywhere in the tree."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize(("package", "path"), MODULES)
def test_a_module_imports_ours_only_in_the_direction_of_the_data(package, path):
    ours = imported(ast.parse(path.read_text())) & set(PACKAGES)

    assert ours <= ALLOWED[package]


def test_the_worker_imports_only_what_its_zip_holds():
    """
    pandas or boto3 in the zip would cost every cold start.
    """
    names = {
        name
        for path in PACKAGES["fetcher"].rglob("*.py")
        for name in imported(ast.parse(path.read_text()))
    }

    assert names - sys.stdlib_module_names <= IN_THE_ZIP | FOR_TYPES_ONLY


def test_the_rule_sees_every_package():
    assert {package for package, *_ in (one.values for one in MODULES)} == set(PACKAGES)
