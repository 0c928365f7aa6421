"""Temporary folders, in both copies: those of killed processes go, too."""

import importlib
import subprocess
import sys

import pytest

MADE_AND_HELD = """
import sys, time
from pathlib import Path
from {}.temporary_folders import owned_folder
with owned_folder("a-", Path(sys.argv[1])) as folder:
    (folder / "file").write_text("text")
    print(folder.name, flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["origin", "local_aws"])
def package(request):
    return request.param


@pytest.fixture
def owned_folder(package):
    return importlib.import_module(f"{package}.temporary_folders").owned_folder


def names_in(folder):
    return sorted(one.name for one in folder.iterdir())


def test_what_a_killed_process_left_is_removed_by_the_next(
    tmp_path, package, owned_folder
):
    command = [sys.executable, "-c", MADE_AND_HELD.format(package), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        theirs = owner.stdout.readline().strip()
        with owned_folder("a-", tmp_path) as ours:
            assert names_in(tmp_path) == sorted([theirs, ours.name])
        owner.kill()
    assert names_in(tmp_path) == [theirs]

    with owned_folder("b-", tmp_path):
        pass
    assert names_in(tmp_path) == [theirs]
    with owned_folder("a-", tmp_path) as ours:
        assert names_in(tmp_path) == [ours.name]
    assert names_in(tmp_path) == []


def test_folders_that_are_not_ours_stay(tmp_path, owned_folder):
    for name in ("a-folder", "a-linked"):
        (tmp_path / name).mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("a lock of somebody else")
    (tmp_path / "a-linked" / "lock").symlink_to(elsewhere)

    with owned_folder("a-", tmp_path):
        pass
    assert names_in(tmp_path) == ["a-folder", "a-linked", "elsewhere"]
