"""The project's files agree with one another."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from experiment.ledger.machine import root
from fetcher.contract.outcome import Outcome

ROOT = root()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
README = (ROOT / "README.md").read_text()
PHONY = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split()

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")


def pins():
    """Every requirement of the lock, with the lines that belong to it."""
    blocks = re.split(r"\n(?=\S)", LOCK.strip())
    return [
        (Requirement(block.partition("\\")[0].strip()), block)
        for block in blocks
        if not block.startswith("#")
    ]


def tracked():
    """Every file that is committed, or will be with the next commit."""
    if not shutil.which("git"):
        pytest.skip("there is no git")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is a copy without git")
    names = listed.stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


# conda


def test_the_conda_environment_asks_for_the_projects_python():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    (bound,) = (
        line.removeprefix("python")
        for line in conda["dependencies"]
        if isinstance(line, str) and line.startswith("python")
    )

    assert SpecifierSet(bound) == SpecifierSet(PROJECT["requires-python"])
    assert conda["name"] == PROJECT["name"]


def test_the_conda_environment_installs_extras_that_exist():
    """
    Versions stand in pyproject.toml alone, so nothing can drift.
    """
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = (line["pip"] for line in conda["dependencies"] if isinstance(line, dict))
    (line,) = pip
    extras = re.fullmatch(r"-e \.\[([\w,]+)\]", line)[1].split(",")

    assert "pip" in conda["dependencies"]
    assert set(extras) <= PROJECT["optional-dependencies"].keys()


# Locked requirements


def test_every_pin_of_the_lock_is_exact_and_has_hashes():
    for requirement, block in pins():
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), requirement


def test_the_lock_covers_every_requirement_of_every_extra():
    wanted = [
        Requirement(line)
        for lines in (
            PROJECT["dependencies"],
            *PROJECT["optional-dependencies"].values(),
        )
        for line in lines
    ]
    locked = {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin, _ in pins()
        if not pin.marker or pin.marker.evaluate()
    }

    for requirement in wanted:
        if requirement.name == PROJECT["name"]:
            assert requirement.extras <= PROJECT["optional-dependencies"].keys()
        else:
            version = locked[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), requirement


@pytest.mark.parametrize(
    "name", ["requirements.lock", "pyproject.toml", "environment.yml"]
)
def test_no_address_of_a_registry_is_written_down(name):
    """
    Where packages come from is the user's own set-up.
    """
    text = (ROOT / name).read_text()

    assert "://" not in text
    assert not re.search(r"--(extra-)?index|--find-links|--trusted-host| @ ", text)


def test_no_file_names_a_place_of_this_machine():
    for path in tracked():
        assert str(ROOT).encode() not in path.read_bytes(), path


# Make


@needs_make
def test_make_by_itself_helps_and_lists_every_target():
    said = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = re.findall(r"^  make ([\w-]+) +\S", said, re.MULTILINE)

    assert sorted(listed) == sorted(PHONY)


def test_every_target_is_a_command_not_a_file():
    targets = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)

    assert sorted(targets) == sorted(PHONY)


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "notebooks"])
def test_every_make_target_that_is_named_exists(name):
    path = ROOT / name
    files = sorted(path.glob("*.ipynb")) if path.is_dir() else [path]
    named = {
        target
        for file in files
        for target in re.findall(
            r"(?:`|^)make ([\w-]+)", file.read_text(), re.MULTILINE
        )
    }

    assert named <= set(PHONY)


@needs_make
def test_cleaning_keeps_what_was_published(tmp_path):
    for name in ("Makefile", "results/README.md", "results/published/a/run.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("results/a-run", ".venv/bin", "tests/__pycache__", ".hypothesis"):
        (tmp_path / name).mkdir(parents=True)
    subprocess.run(["make", "-s", "clean"], cwd=tmp_path, check=True)

    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {
        "Makefile",
        "results",
        "results/README.md",
        "results/published",
        "results/published/a",
        "results/published/a/run.json",
        "tests",
    }


def test_ci_runs_what_a_user_would():
    path = ROOT / ".ci" / "run"

    assert os.access(path, os.X_OK)
    said = path.read_text().splitlines()
    assert said[-2:] == ["make test", "make test-bare"]


# What is said about the project


def test_the_readme_lists_exactly_the_notebooks_with_their_questions():
    listed = dict(re.findall(r"^\| `(\d\d_\w+)` \| (.+?) \|$", README, re.MULTILINE))
    questions = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        first, *_ = nbformat.read(path, as_version=4).cells
        questions[path.stem] = first.source.splitlines()[0].partition(" · ")[2]

    assert listed == questions


@pytest.mark.parametrize(
    "name",
    ["README.md", "CHANGELOG.md", "deploy/README.md", "results/README.md"],
)
def test_links_to_files_lead_somewhere(name):
    path = ROOT / name
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        assert "://" in link or (path.parent / link).exists(), link


def test_the_number_of_outcomes_in_the_text_is_right():

    for name in ("README.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text()
        for number in re.findall(r"(\d+) outcomes", text):
            assert int(number) == len(Outcome)


def test_the_description_is_the_readmes_question():
    assert PROJECT["description"] in README


# Commands


@pytest.mark.parametrize("name", sorted(PROJECT["scripts"]))
def test_a_command_exists_and_helps(name):
    (script,) = entry_points(group="console_scripts", name=name)
    done = subprocess.run(
        [Path(sys.executable).with_name(name), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert script.value == PROJECT["scripts"][name]
    assert f"usage: {name}" in done.stdout
    assert done.stderr == ""


def test_commands_named_in_the_readme_exist():
    named = set(re.findall(r"^\.venv/bin/(\w+)", README, re.MULTILINE))

    assert named <= PROJECT["scripts"].keys() | {"python"}
