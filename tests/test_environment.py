"""The project's files agree with one another."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import fetcher
from experiment.parameters.project_root import root
from fetcher.contract.outcome import Outcome
from rollout.__main__ import main as rollout

ROOT = root()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = sorted(
    page
    for pages in ("*.md", "[a-z]*/README.md", "deploy/*/README.md")
    for page in ROOT.glob(pages)
)
PATH = re.compile(
    r"`(?!\S*(?:NAME|NN|RUN))((?:[\w.-]+/)+(?:[\w.-]+/|\w+\.(?:py|md|json|toml|yaml)))`"
)
CODE_ROOTS = ("", "lambda", "deploy", "deploy/local_aws", "notebooks")
PHONY = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split()

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")


def pins():
    """Return every requirement of the lock, with the lines that belong to it."""
    blocks = re.split(r"\n(?=\S)", LOCK.strip())
    return [
        (Requirement(block.partition("\\")[0].strip()), block)
        for block in blocks
        if not block.startswith("#")
    ]


def tracked():
    """Return every file that is committed, or will be with the next commit."""
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


def page_id(path):
    return str(path.relative_to(ROOT))


def each_page(test):
    return pytest.mark.parametrize("page", PAGES, ids=page_id)(test)


# conda


def test_the_conda_environment_asks_for_the_projects_python_and_extras():
    """Versions are in pyproject.toml only, so nothing can drift."""
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    lines = [line for line in conda["dependencies"] if isinstance(line, str)]
    (bound,) = (line for line in lines if line.startswith("python"))
    (pip,) = (line["pip"] for line in conda["dependencies"] if isinstance(line, dict))
    (line,) = pip
    extras = re.fullmatch(r"-e \.\[([\w,]+)\]", line)[1].split(",")
    required = SpecifierSet(PROJECT["requires-python"])

    assert SpecifierSet(bound.removeprefix("python")) == required
    assert conda["name"] == PROJECT["name"]
    assert "pip" in lines
    assert set(extras) <= PROJECT["optional-dependencies"].keys()


# Locked requirements


def test_every_pin_of_the_lock_is_exact_and_has_hashes():
    for requirement, block in pins():
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), requirement


def test_the_lock_covers_every_requirement_of_every_extra():
    extras = PROJECT["optional-dependencies"]
    lines = chain(PROJECT["dependencies"], *extras.values())
    locked = {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin, _ in pins()
        if not pin.marker or pin.marker.evaluate()
    }

    for requirement in map(Requirement, lines):
        if requirement.name == PROJECT["name"]:
            assert requirement.extras <= extras.keys()
        else:
            version = locked[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), requirement


@pytest.mark.parametrize(
    "name", ["requirements.lock", "pyproject.toml", "environment.yml"]
)
def test_no_address_of_a_registry_is_written_down(name):
    """Where packages come from is up to the user."""
    text = (ROOT / name).read_text()

    assert "://" not in text
    assert not re.search(r"--(extra-)?index|--find-links|--trusted-host| @ ", text)


def test_no_file_names_a_place_of_this_machine():
    for path in tracked():
        with suppress(FileNotFoundError):  # no file of ours: it came and went
            assert str(ROOT).encode() not in path.read_bytes(), path


# Make


@needs_make
def test_make_by_itself_helps_and_lists_every_target():
    printed = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = re.findall(r"^  make ([\w-]+) +\S", printed, re.MULTILINE)

    assert sorted(listed) == sorted(PHONY)


def test_every_target_is_a_command_not_a_file():
    targets = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)

    assert sorted(targets) == sorted(PHONY)


@pytest.mark.parametrize(
    "path", [*PAGES, *sorted(ROOT.glob("notebooks/*.ipynb"))], ids=page_id
)
def test_every_make_target_that_is_named_exists(path):
    named = re.findall(r"(?:`|^)make ([\w-]+)", path.read_text(), re.MULTILINE)

    assert set(named) <= set(PHONY)


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
    assert path.read_text().splitlines()[-2:] == ["make test", "make test-bare"]


# Pages


def test_the_notebooks_page_lists_exactly_the_notebooks_with_their_questions():
    page = (ROOT / "notebooks/README.md").read_text()
    listed = dict(re.findall(r"^\| `(\d\d_\w+)` \| (.+?) \|$", page, re.MULTILINE))
    questions = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        first, *_ = nbformat.read(path, as_version=4).cells
        questions[path.stem] = first.source.splitlines()[0].partition(" · ")[2]

    assert listed == questions


@each_page
def test_links_lead_to_files_and_headings_that_exist(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert "://" in link or target.exists(), link
        if anchor and "://" not in link:
            assert anchor in anchors_of(target), link


def anchors_of(page):
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


@each_page
def test_paths_that_a_page_names_exist(page):
    """Those of two parts or more; NAME and the like stand for something else."""
    roots = [page.parent, *(ROOT / name for name in CODE_ROOTS)]
    for path in PATH.findall(page.read_text()):
        assert any((root / path).exists() for root in roots), path


@each_page
def test_the_number_of_outcomes_in_the_text_is_right(page):
    for number in re.findall(r"exactly one of (\d+)|(\d+) outcomes", page.read_text()):
        assert int("".join(number)) == len(Outcome)


def test_the_description_is_the_readmes_question():
    assert PROJECT["description"] in (ROOT / "README.md").read_text()


def test_the_version_is_the_same_everywhere():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    latest = re.findall(r"^## (\d\S+) \(\d{4}-\d\d-\d\d\)$", changelog, re.MULTILINE)[0]

    assert latest == PROJECT["version"] == fetcher.__version__


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


@each_page
def test_commands_that_a_page_names_exist(page):
    for name in set(
        re.findall(r"(?:^|`)rollout (\w+)", page.read_text(), re.MULTILINE)
    ):
        with pytest.raises(SystemExit) as ended:
            rollout([name, "--help"])

        assert ended.value.code == 0, name
