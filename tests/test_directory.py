"""Bodies as files: none is under its name before it is whole."""

import resource

import pytest

from fetcher.sinks.directory import Directory
from fetcher.source import Item


def item(destination="", url="http://h/a"):
    return Item(0, url, destination)


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def keep(sink, what, body=b"xyz"):
    writer = sink.open(what)
    writer.write([body])
    return writer.commit()


def test_a_body_is_under_its_name_only_once_it_is_whole(tmp_path):
    writer = Directory(tmp_path).open(item("a/b.jpg"))
    writer.write([b"half"])
    before = files_below(tmp_path)
    path = writer.commit()

    assert before == ["a/b.jpg.part"]
    assert files_below(tmp_path) == ["a/b.jpg"]
    assert path == str(tmp_path / "a/b.jpg")
    assert (tmp_path / "a/b.jpg").read_bytes() == b"half"


def test_of_a_discarded_body_nothing_is_left(tmp_path):
    writer = Directory(tmp_path).open(item("b.jpg"))
    writer.write([b"half"])
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


def test_a_sink_tells_where_a_body_will_be(tmp_path):
    sink = Directory(tmp_path)
    path = sink.path_of(item("a/b"))

    assert path == keep(sink, item("a/b"))


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "b.part").symlink_to("/dev/full")
    writer = Directory(tmp_path).open(item("b"))

    with pytest.raises(OSError, match=r"No space left on device: .*b\.part"):
        writer.write([b"xyz"])
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_what_a_write_leaves_over_is_written_too(tmp_path):
    """
    A nearly full disk takes a part of what it is given, then nothing.
    """
    writer = Directory(tmp_path).open(item("b"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            writer.write([b"123456789"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (tmp_path / "b.part").read_bytes() == b"12345"
    writer.discard()


def test_a_descriptor_is_closed_once_however_often_a_body_is_discarded(tmp_path):
    """
    Closed twice, it may be somebody else's by then.
    """
    sink = Directory(tmp_path)
    writer = sink.open(item("b"))
    writer.discard()
    other = sink.open(item("c"))
    writer.discard()
    other.write([b"xyz"])

    assert other.commit() == str(tmp_path / "c")
