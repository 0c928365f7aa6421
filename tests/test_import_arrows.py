"""Imports point one way, in no circle; packages are small, and say what is in them."""

import ast
import re
import sys
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOTS = [ROOT / name for name in ("lambda", "deploy", "notebooks")]
ALLOWED = {
    "fetcher": {"fetcher"},
    "aws_facts": {"aws_facts"},
    "origin": {"origin"},
    "local_aws": {"local_aws", "aws_facts"},
    "rollout": {"rollout", "local_aws", "origin", "aws_facts", "fetcher"},
}
ALLOWED["experiment"] = {"experiment", *ALLOWED["rollout"]}
FLOOR_MOST = 15  # entries of a folder that one can take in at a glance
# The module is chosen by the option `engine`, whatever the class in it is called.
SAME_NAME = {("fetcher", "Engine")}
IN_THE_ZIP = {"fetcher", "aiohttp", "yarl", "pycurl", "certifi"}
OPTIONAL = {"pyarrow"}  # for the command, where it is installed
FOR_TYPES_ONLY = {"_typeshed", "awslambdaric"}


def packages_of(roots):
    return {
        folder.name: folder
        for root in roots
        for folder in root.iterdir()
        if (folder / "__init__.py").is_file()
    }


def modules_of(roots):
    """Return every module by its dotted name, with the file it is in."""
    found = {}
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            *parts, last = path.relative_to(root).with_suffix("").parts
            found[".".join(parts if last == "__init__" else [*parts, last])] = path
    return found


PACKAGES = packages_of(ROOTS)
MODULES = modules_of(ROOTS)
FLOORS = [path.parent for path in MODULES.values() if path.name == "__init__.py"]


@cache
def tree_of(path):
    return ast.parse(path.read_text())


def imported(tree):
    """Return everything imported, anywhere in the tree: modules, and names in them."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def packages_in(path):
    names = imported(tree_of(path))
    return {name.partition(".")[0] for name in names}


def module_imports(modules):
    """Return which modules each imports, also for types only and in functions."""
    return {
        module: {
            found
            for name in imported(tree_of(path))
            if (found := name if name in modules else name.rpartition(".")[0])
            in modules.keys() - {module}
        }
        for module, path in modules.items()
    }


def circle_in(modules):
    """Return the modules of a circle of imports, if there is one."""
    try:
        TopologicalSorter(module_imports(modules)).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_modules_import_ours_only_in_the_direction_of_the_data():
    against = {
        module: names
        for module, path in MODULES.items()
        if (names := packages_in(path) & PACKAGES.keys() - ALLOWED[top(module)])
    }

    assert against == {}


def top(module):
    return module.partition(".")[0]


def test_what_an_execution_runs_knows_nothing_of_the_command():
    runs = ("fetcher.transfer", "fetcher.engines", "fetcher.sinks", "fetcher.handler")
    against = {
        module: names
        for module, imports in module_imports(MODULES).items()
        if module.startswith(runs)
        and (names := {name for name in imports if name.startswith("fetcher.command")})
    }

    assert against == {}


def test_no_module_imports_itself_by_way_of_others():
    assert circle_in(MODULES) == []


def test_a_circle_is_found_even_if_one_import_of_it_is_for_types_only(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text("from package.two import a\n")
    (package / "two.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from package import one\n"
    )

    assert set(circle_in(modules_of([tmp_path]))) == {"package.one", "package.two"}


def test_a_floor_has_few_rooms():
    def entries(folder):
        return {
            path.relative_to(folder).parts[0]
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    assert [one for one in FLOORS if len(entries(one)) > FLOOR_MOST] == []


def test_a_package_says_what_is_in_each_of_its_rooms():
    for folder in FLOORS:
        text = ast.get_docstring(tree_of(folder / "__init__.py"))
        modules = {path.stem for path in folder.glob("*.py")}
        packages = {path.parent.name for path in folder.glob("*/__init__.py")}
        rooms = (modules | packages) - {"__init__", "__main__"}

        assert rooms - set(re.findall(r"``(\w+)``", text)) == set(), folder


def test_a_public_class_has_its_name_for_itself_in_its_package():
    names = Counter(
        (top(module), node.name)
        for module, path in MODULES.items()
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )

    assert {name for name, times in names.items() if times > 1} <= SAME_NAME


def test_the_worker_imports_only_what_its_zip_holds():
    """pandas or boto3 in the zip would cost every cold start."""
    names = {
        name for path in PACKAGES["fetcher"].rglob("*.py") for name in packages_in(path)
    }

    assert names - sys.stdlib_module_names <= IN_THE_ZIP | OPTIONAL | FOR_TYPES_ONLY


def test_the_rules_see_every_package():
    assert set(map(top, MODULES)) == ALLOWED.keys() == PACKAGES.keys()
