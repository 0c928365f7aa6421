"""Bodies as files: their names, and that none is there before it is whole."""

import os
import signal
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fetcher.sinks.directory import Directory, Scratch, name_of
from fetcher.source import Item

ANY_TEXT = st.text(st.characters(), min_size=1, max_size=30)
NASTY = st.text(
    st.sampled_from("./%~\\\0ab\ud800é"), min_size=1, max_size=12
) | st.just("..part")
PATHS = st.text(st.sampled_from("./%~?=&ab"), max_size=12)


def item(destination="", url="http://h/a"):
    return Item(0, url, destination)


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def keep(sink, what, body=b"xyz"):
    writer = sink.open(what)
    writer.write(body)
    return writer.commit()


@given(ANY_TEXT | NASTY)
@example("../../etc/passwd")
@example("/etc/passwd")
@example("..\\..\\x")
@example("\0")
@example("a" * 10_000)
@example("é" * 10_000)
def test_a_name_never_leaves_the_folder(destination):
    name = name_of(item(destination))
    parts = name.split("/")

    assert not name.startswith("/")
    assert not {"", ".", ".."} & set(parts)
    assert name.isascii()
    assert name.isprintable()
    assert all(len(f"{part}.part") <= 255 for part in parts)
    assert not any(part.endswith(".part") for part in parts)
    assert str(PurePosixPath(name)) == name


@given(ANY_TEXT | NASTY, ANY_TEXT | NASTY)
@example("%2E%2E", "..")
@example("a//b", "a/%/b")
@example("x.part", "x%2Epart")
@example("a" * 300, "a" * 301)
def test_different_destinations_get_different_names(one, other):
    assume(one != other)

    assert name_of(item(one)) != name_of(item(other))


def test_a_destination_made_to_look_shortened_does_not_meet_a_shortened_one():
    shortened = name_of(item("a" * 10_000))

    assert name_of(item(shortened)) != shortened


@given(PATHS, PATHS)
@example("/a", "a")
def test_different_urls_get_different_names(one, other):
    one, other = one.removesuffix("?"), other.removesuffix("?")  # "h/?" asks for "h/"
    assume(one != other)

    assert name_of(item(url=f"http://h/{one}")) != name_of(
        item(url=f"http://h/{other}")
    )


def test_credentials_do_not_become_part_of_a_name():
    assert name_of(item(url="http://u:hunter2@h/a")) == "h/a"


def test_a_body_is_under_its_name_only_once_it_is_whole(tmp_path):
    writer = Directory(tmp_path).open(item("a/b.jpg"))
    writer.write(b"half")
    before = files_below(tmp_path)
    path = writer.commit()

    assert before == ["a/b.jpg.part"]
    assert files_below(tmp_path) == ["a/b.jpg"]
    assert path == str(tmp_path / "a/b.jpg")
    assert (tmp_path / "a/b.jpg").read_bytes() == b"half"


def test_of_a_discarded_body_nothing_is_left(tmp_path):
    writer = Directory(tmp_path).open(item("b.jpg"))
    writer.write(b"half")
    writer.discard()
    writer.discard()

    assert files_below(tmp_path) == []


def test_a_body_replaces_the_one_of_an_earlier_run(tmp_path):
    sink = Directory(tmp_path)
    keep(sink, item("b"), b"old and long")
    keep(sink, item("b"), b"new")

    assert (tmp_path / "b").read_bytes() == b"new"


@pytest.mark.parametrize("names", [["a", "a/b"], ["a/b", "a"]])
def test_a_name_that_is_both_file_and_folder_is_an_error_of_the_sink(tmp_path, names):
    first, second = names
    sink = Directory(tmp_path)
    keep(sink, item(first))

    with pytest.raises(OSError, match=r"[Nn]ot a directory|[Ii]s a directory|exists"):
        keep(sink, item(second))
    assert (tmp_path / first).read_bytes() == b"xyz"


def test_more_folders_than_are_remembered_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr("fetcher.sinks.directory._FOLDERS_REMEMBERED", 2)
    sink = Directory(tmp_path)
    names = [f"{n % 5}/{n}" for n in range(20)]
    for name in names:
        keep(sink, item(name))

    assert files_below(tmp_path) == sorted(names)


def test_a_directory_keeps_its_files_when_closed(tmp_path):
    sink = Directory(tmp_path)
    keep(sink, item("b"))
    sink.close()

    assert files_below(tmp_path) == ["b"]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_scratch_folder_goes_when_it_is_closed(temporary):
    sink = Scratch()
    keep(sink, item("a/b"))
    before = files_below(temporary)
    sink.close()

    assert len(before) == 1
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("temporary")
def test_two_shards_at_work_leave_each_other_s_files_alone():
    one, other = Scratch(), Scratch()
    path = keep(one, item("b"))
    other.close()

    assert Path(path).exists()
    one.close()


def test_what_is_not_ours_in_temporary_storage_stays(temporary):
    (temporary / "shard-of-mine").mkdir()
    Scratch().close()

    assert [path.name for path in temporary.iterdir()] == ["shard-of-mine"]


def _killed_at_work(folder):
    tempfile.tempdir = folder
    keep(Scratch(), item("b"))
    os.kill(os.getpid(), signal.SIGKILL)


def test_leftovers_of_a_killed_shard_go_when_the_next_begins(temporary):
    """
    Lambda keeps /tmp when it kills an execution; its room is limited.
    """
    pid = os.fork()
    if not pid:
        _killed_at_work(str(temporary))
    os.waitpid(pid, 0)
    left = files_below(temporary)
    sink = Scratch()

    assert len(left) == 1
    assert files_below(temporary) == []
    sink.close()


def test_closing_a_scratch_folder_that_is_gone_is_no_error(temporary):
    sink = Scratch()
    next(temporary.iterdir()).rmdir()
    sink.close()

    assert list(temporary.iterdir()) == []
