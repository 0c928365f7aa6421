"""Folders in RAM: used when there is room, and always removed."""

import contextlib
import tempfile

import pytest

from origin import temporary_folders as module
from origin.temporary_folders import memory_folder


def test_the_folder_is_in_ram_if_there_is_room(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "RAM", tmp_path)

    with memory_folder("a-", 1) as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith("million-downloads-a-")


@pytest.mark.parametrize("ram", ["full", "missing"])
def test_without_room_in_ram_it_is_where_temporary_files_go(monkeypatch, tmp_path, ram):
    """Containers give it 64 MB, or nothing at all."""
    monkeypatch.setattr(module, "RAM", tmp_path / ("" if ram == "full" else "none"))

    with memory_folder("a-", 10**18) as folder:
        assert str(folder.parent) == tempfile.gettempdir()


def test_it_goes_with_all_it_holds_whatever_happens():
    with contextlib.suppress(KeyboardInterrupt), memory_folder("a-", 1) as folder:
        (folder / "file").write_text("text")
        raise KeyboardInterrupt

    assert not folder.exists()
