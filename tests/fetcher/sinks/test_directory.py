"""Bodies as files: none is under its name before it is whole."""

import os
import resource
from pathlib import Path

import pytest
from tests.support.full_disk import no_file_larger_than

from fetcher.contract.source import Item
from fetcher.sinks.directory import Directory
from fetcher.sinks.file_writing import write_all


def item(destination="", url="http://h/a"):
    return Item(0, url, destination)


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def keep(sink, what, body=b"xyz"):
    writer = sink.open(what)
    writer.write([body])
    return writer.commit()


def open_below(folder):
    """Return what is open in a folder, itself included."""
    opened = map(os.path.realpath, Path("/dev/fd").iterdir())
    return [path for path in opened if Path(path).is_relative_to(folder)]


def test_a_body_is_under_its_name_only_once_it_is_whole(tmp_path):
    writer = Directory(tmp_path).open(item("a/b.jpg"))
    writer.write([b"half"])
    before = files_below(tmp_path)
    path = writer.commit()

    assert before == ["a/b.jpg.part"]
    assert files_below(tmp_path) == ["a/b.jpg"]
    assert path == str(tmp_path / "a/b.jpg")
    assert (tmp_path / "a/b.jpg").read_bytes() == b"half"


def test_of_a_discarded_body_nothing_is_left_however_often_it_is(tmp_path):
    """
    A descriptor that is closed twice may be somebody else's by then.
    """
    sink = Directory(tmp_path)
    writer = sink.open(item("b.jpg"))
    writer.write([b"half"])
    writer.discard()
    other = sink.open(item("c"))
    writer.discard()
    other.write([b"xyz"])

    assert other.commit() == str(tmp_path / "c")
    assert files_below(tmp_path) == ["c"]


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

    with pytest.raises(OSError, match=r"irectory: a row .* --layout hash keeps both"):
        keep(sink, item(second))
    assert (tmp_path / first).read_bytes() == b"xyz"


def test_few_folders_are_open_however_many_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr("fetcher.sinks.open_folders._FEWEST_OPEN", 2)
    monkeypatch.setattr("fetcher.sinks.open_folders.MOST_OPEN", 2)
    sink = Directory(tmp_path)
    names = [f"{n % 5}/{n % 3}/{n % 2}/{n}" for n in range(40)]
    for name in names:
        keep(sink, item(name))

    assert files_below(tmp_path) == sorted(names)
    assert len(open_below(tmp_path)) <= 2 + 1  # the folder itself is open, too


def test_a_few_folders_may_be_open_however_few_descriptors_are_left(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("fetcher.sinks.open_folders.MOST_OPEN", 0)
    sink = Directory(tmp_path)
    for n in range(200):
        keep(sink, item(f"{n}/{n}/{n}"))

    assert 1 < len(open_below(tmp_path)) - 1 <= 32


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    """
    A nearly full one takes a part of what it is given, then nothing.
    """
    sink = Directory(tmp_path)
    writer = sink.open(item("b"))
    with no_file_larger_than(5):
        with pytest.raises(OSError, match=r"File too large: .*b\.part"):
            writer.write([b"12345", b"6789"])
        with pytest.raises(OSError, match=r"File too large: .*c\.part"):
            sink.keep(item("c"), [b"123456"])

    assert (tmp_path / "b.part").read_bytes() == b"12345"
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def keep_whole(sink, what):
    return sink.keep(what, [b"x", b"yz"])


@pytest.fixture
def secret(tmp_path_factory):
    """A file outside the sink's folder, which must stay as it is."""
    path = tmp_path_factory.mktemp("elsewhere") / "secret"
    path.write_bytes(b"secret")
    yield path
    assert path.read_bytes() == b"secret"
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


@pytest.mark.parametrize("keep", [keep, keep_whole])
@pytest.mark.parametrize("name", ["a/b", "a/b.part"])
def test_a_link_where_a_file_is_due_is_replaced_not_followed(
    tmp_path, secret, keep, name
):
    (tmp_path / "a").mkdir()
    (tmp_path / name).symlink_to(secret)
    keep(Directory(tmp_path), item("a/b"))

    assert files_below(tmp_path) == ["a/b"]
    assert not (tmp_path / "a/b").is_symlink()
    assert (tmp_path / "a/b").read_bytes() == b"xyz"


@pytest.mark.parametrize("keep", [keep, keep_whole])
@pytest.mark.parametrize("link", ["a", "a/b"])
def test_a_link_where_a_folder_is_due_is_not_followed(tmp_path, secret, keep, link):
    if link != "a":
        (tmp_path / "a").mkdir()
    (tmp_path / link).symlink_to(secret.parent)

    with pytest.raises(OSError, match=f"a symbolic link, .*/{link}'") as refused:
        keep(Directory(tmp_path), item("a/b/secret"))
    assert refused.value.filename == str(tmp_path / link)


@pytest.mark.parametrize("keep", [keep, keep_whole])
def test_a_folder_that_became_a_link_is_not_followed(tmp_path, secret, keep):
    """
    As somebody could make it one between two files.
    """
    sink = Directory(tmp_path)
    keep(sink, item("a/b/first"))
    (tmp_path / "a").rename(tmp_path / "moved")
    (tmp_path / "a").symlink_to(secret.parent)
    keep(sink, item("a/b/second"))
    with pytest.raises(OSError, match="a symbolic link"):
        keep(Directory(tmp_path), item("a/b/third"))

    assert files_below(tmp_path / "moved") == ["b/first", "b/second"]


def test_the_sinks_own_folder_may_be_a_link(tmp_path):
    """
    Whoever named it wants that: photos may be on another disk.
    """
    (tmp_path / "disk").mkdir()
    (tmp_path / "photos").symlink_to(tmp_path / "disk")
    path = keep(Directory(tmp_path / "photos"), item("a/b"))

    assert path == str(tmp_path / "photos/a/b")
    assert files_below(tmp_path / "disk") == ["a/b"]


@pytest.mark.parametrize("keep", [keep, keep_whole])
@pytest.mark.parametrize("left", [os.mkfifo, lambda path: path.write_bytes(b"half")])
def test_what_a_killed_run_left_is_in_nobodys_way(tmp_path, keep, left):
    left(tmp_path / "b.part")
    keep(Directory(tmp_path), item("b"))

    assert (tmp_path / "b").read_bytes() == b"xyz"
    assert files_below(tmp_path) == ["b"]


def test_of_two_runs_that_write_the_same_file_neither_keeps_half_of_it(tmp_path):
    first = Directory(tmp_path).open(item("b"))
    first.write([b"first"])
    second = Directory(tmp_path).open(item("b"))
    second.write([b"sec"])
    with pytest.raises(OSError, match=r"does another run .*b\.part"):
        first.commit()
    first.discard()
    second.write([b"ond"])
    second.commit()

    assert (tmp_path / "b").read_bytes() == b"second"
    assert files_below(tmp_path) == ["b"]


def test_a_body_written_in_one_go_is_not_mixed_up_with_another_run_s(
    tmp_path, monkeypatch
):
    others = []

    def slowly(descriptor, parts):
        write_all(descriptor, parts)
        others.append(Directory(tmp_path).open(item("b")))

    monkeypatch.setattr("fetcher.sinks.file_writing.write_all", slowly)
    with pytest.raises(OSError, match=r"does another run .*b\.part"):
        keep_whole(Directory(tmp_path), item("b"))

    assert files_below(tmp_path) == ["b.part"]
    others[0].commit()


@pytest.fixture
def limit():
    """Set how many descriptors this process may have; afterwards as many as before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("most", [1_024, 1_057, 1_100, 1_200])
def test_there_may_be_more_folders_than_descriptors(tmp_path, limit, most):
    limit(most)
    sink = Directory(tmp_path)
    names = sorted(f"{n}/a" for n in range(400))
    for name in names:
        keep(sink, item(name))

    assert files_below(tmp_path) == names


def test_a_folder_that_cannot_be_held_open_leaves_no_descriptor(tmp_path, limit):
    limit(1_200)
    sink = Directory(tmp_path)
    limit(1_024)
    before = open_below(tmp_path)
    with pytest.raises(OSError, match=r"Too many|Invalid"):
        keep(sink, item("a/b"))

    assert open_below(tmp_path) == before


def test_a_path_too_long_to_be_opened_is_not_written(tmp_path):
    with pytest.raises(OSError, match="File name too long"):
        keep(Directory(tmp_path), item("/".join(["abc"] * 1_024)))
    assert list(tmp_path.iterdir()) == []
