"""Tars on this machine: whole, readable by WebDataset, and never torn by a kill."""

import json
import os
import signal
import tarfile
from contextlib import ExitStack, closing
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.tar_rows import ITEMS, body, fill, items_in, tars_by_row
from webdataset import tariterators

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.process.children import Children
from fetcher.sinks.tars import local, tar_writing
from fetcher.sinks.tars.local import LocalTars

JPEG = Download(Outcome.OK, 200, found_type="image/jpeg")


def tars(place):
    """Return the sink for a folder, or for one tar."""
    return closing(LocalTars(place, is_folder=place.suffix != ".tar"))


def filled(place, many):
    """Return a place with so many bodies, of a run that came to its end."""
    with tars(place) as sink:
        sink.begin(set())
        fill(sink, ITEMS[:many], JPEG)
        sink.settle()
        sink.complete(set(range(many)), is_whole=True)
    return place


def rows_in(place):
    """Return what all tars of a place hold: see `tars_by_row`."""
    is_folder = place.is_dir()
    folder = place if is_folder else place.parent
    ending = ".jsonl" if is_folder else ".index.jsonl"
    assert not list(folder.glob("*.part"))
    return tars_by_row(
        {
            path: (path.read_bytes(), path.with_suffix(ending).read_bytes())
            for path in folder.glob("*.tar")
        }
    )


@pytest.mark.parametrize("name", ["shards", "one.tar"])
def test_webdataset_reads_pictures_with_the_columns_of_their_rows(
    tmp_path, name, monkeypatch
):
    monkeypatch.setattr(local, "MOST_FILES", 5)
    place = tmp_path / name
    with tars(place) as sink:
        sink.begin(set())
        paths = fill(sink, ITEMS, JPEG)
        sink.settle()
        sink.complete(set(range(12)), is_whole=True)
    files = [str(place)]
    if name == "shards":
        files = [str(place / f"0000{n}.tar") for n in range(3)]
    with ExitStack() as stack:
        streams = [stack.enter_context(open(file, "rb")) for file in files]  # noqa: PTH123
        shards = [{"url": one.name, "stream": one} for one in streams]
        opened = tariterators.tar_file_expander(shards)
        samples = list(tariterators.group_by_keys(opened))

    assert len(rows_in(place)) == 12
    assert paths[11] == f"{files[-1]}/000000012.jpg"
    assert [sample["__key__"] for sample in samples] == [
        f"{n + 1:09}" for n in range(12)
    ]
    assert samples[7]["jpg"] == body(ITEMS[7])
    assert json.loads(samples[7]["json"]) == {
        "row": 8,
        "url": "http://h/7",
        "status": 200,
        "bytes": 2_800,
        "found_type": "image/jpeg",
        "caption": "number 7",
    }


@pytest.mark.parametrize("name", ["shards", "one.tar"])
@given(
    rounds=st.lists(
        st.tuples(
            st.integers(1, 5), st.integers(0, 9_000), st.sets(st.integers(0, 11))
        ),
        max_size=3,
    )
)
def test_whatever_a_kill_leaves_no_row_is_lost_and_none_is_twice(
    tmp_path_factory, name, rounds
):
    """
    A round keeps some bodies and is killed: a tar ends anywhere, and some of its
    members were never reported.
    """
    place = tmp_path_factory.mktemp("place") / name
    reported = {}  # paths by position

    def resumed():
        sink = LocalTars(place, is_folder=name == "shards")
        for position, path in list(reported.items()):
            is_ours = sink.key_at(path) == sink.key_of(ITEMS[position])
            if not (is_ours and sink.holds(path, len(body(ITEMS[position])))):
                del reported[position]
        if not reported:  # else what nobody reported is taken out
            again = list(sink.unreported(items_in, reported))
            reported.update((item.number, ended.path) for item, ended in again)
        sink.begin(reported.keys())
        return sink, [item for item in ITEMS if item.number not in reported]

    for many, torn, unreported in rounds:
        sink, left = resumed()
        paths = fill(sink, left[:many], JPEG)
        if sink._tar:
            sink._tar.drop()
            sink._tar = None
        sink.close()
        for path in place.parent.rglob("*.tar.part"):
            os.truncate(path, max(0, path.stat().st_size - torn))
        reported |= {at: paths[at] for at in paths if at not in unreported}
    sink, left = resumed()
    with closing(sink):
        fill(sink, left, JPEG)
        sink.settle()
        sink.complete(set(range(12)), is_whole=True)

    assert sorted(rows_in(place)) == list(range(12))


def test_a_run_that_lost_a_process_leaves_out_what_nobody_reported(tmp_path):
    with tars(tmp_path / "shards") as sink:
        sink.begin(set())
        fill(sink, ITEMS[:4], JPEG)
        sink.complete({0, 2}, is_whole=False)

    assert sorted(rows_in(tmp_path / "shards")) == [0, 2]


@pytest.mark.parametrize("name", ["shards", "one.tar"])
def test_a_tar_of_another_list_is_left_alone(tmp_path, name):
    place = filled(tmp_path / name, 4)
    with tars(place) as sink, pytest.raises(ValueError, match="2 files that --report"):
        sink.begin({0, 1})

    assert len(rows_in(place)) == 4


def append_with_tar(path):
    with tarfile.open(path, "a") as tar:
        tar.addfile(tarfile.TarInfo("hi.txt"))


def tar_elsewhere(path):
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("d/a"))


@pytest.mark.parametrize("change", [append_with_tar, tar_elsewhere, os.truncate])
@pytest.mark.parametrize("is_indexed", [True, False])
def test_a_tar_that_is_not_as_it_was_left_is_refused_untouched(
    tmp_path, change, is_indexed
):
    """
    What is added behind its end is read by nobody.
    """
    place = filled(tmp_path / "one.tar", 4)
    change(place, *[100] * (change is os.truncate))
    if not is_indexed:
        place.with_suffix(".index.jsonl").unlink()
    before = place.read_bytes()
    for kept in ({0, 1, 2, 3}, set()):
        with tars(place) as sink, pytest.raises(ValueError, match="was changed since"):
            sink.begin(kept)

    assert place.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("name", ["shards/00000.tar", "one.tar"])
@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (".part", b"%PDF" * 200),
        (".part", b"%PDF"),
        ("", b""),
        ("", b"%PDF" * 200),
    ],
)
def test_files_that_are_called_like_tars_are_left_alone(
    tmp_path, name, ending, content
):
    path = tmp_path / f"{name}{ending}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    place = path.parent if "/" in name else tmp_path / name
    with tars(place) as sink, pytest.raises(ValueError, match="was not written by"):
        sink.begin(set())

    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["shards", "one.tar"])
def test_what_a_killed_run_left_is_kept_or_refused_but_never_emptied(tmp_path, name):
    """
    The next command may have another report, or none.
    """
    place = tmp_path / name
    with tars(place) as sink:
        sink.begin(set())
        paths = fill(sink, ITEMS[:4], JPEG)
        sink.settle()
    with tars(place) as sink, pytest.raises(ValueError, match="4 files, none of which"):
        sink.begin(set())
    with tars(place) as sink:
        again = list(sink.unreported(items_in, {0}))
        kept = {0, *(item.number for item, _ in again)}
        sink.begin(kept)
        sink.complete(kept, is_whole=True)

    assert {item.number: ended.path for item, ended in again} == {
        number: paths[number] for number in (1, 2, 3)
    }
    assert [ended.body_bytes for _, ended in again] == [400, 800, 1_200]
    assert len(rows_in(place)) == 4


@pytest.mark.parametrize("name", ["shards", "one.tar"])
def test_a_place_that_is_spelled_otherwise_is_the_same(tmp_path, monkeypatch, name):
    place = filled(tmp_path / name, 2)
    monkeypatch.chdir(tmp_path)
    tar = f"{name}/00000.tar" if name == "shards" else name
    with tars(place) as sink:
        path = f"../{tmp_path.name}/{tar}/000000002.bin"

        assert sink.key_at(path) == sink.key_at(f"{tar}/000000002.bin") == "000000002"
        assert sink.holds(path, len(body(ITEMS[1])))
        assert not sink.key_at(f"d/{tar}/000000002.bin")


def test_an_index_that_was_removed_is_written_anew(tmp_path):
    place = filled(tmp_path / "one.tar", 3)
    place.with_suffix(".index.jsonl").unlink()
    with tars(place) as sink:
        sink.begin({0, 1, 2})
        sink.complete({0, 1, 2}, is_whole=True)

    assert len(rows_in(place)) == 3


@pytest.mark.parametrize("name", ["shards", "one.tar"])
def test_two_runs_do_not_write_to_one_place_at_once(tmp_path, name):
    with tars(tmp_path / name) as first, tars(tmp_path / name) as second:
        first.begin(set())
        with pytest.raises(ValueError, match="is being written by another run"):
            second.begin(set())


@pytest.mark.parametrize("name", ["shards", "one.tar"])
def test_a_process_killed_while_it_appends_takes_no_rows_of_others_with_it(
    tmp_path, monkeypatch, name
):
    """
    In a single tar, others append where it was killed.
    """

    def write_some(descriptor, parts):
        os.write(descriptor, b"".join(parts)[:1_000])
        os.kill(os.getpid(), signal.SIGKILL)

    def be_killed():
        fill(sink, ITEMS[:4], JPEG)
        monkeypatch.setattr(tar_writing, "write_all", write_some)
        fill(sink, ITEMS[4:5], JPEG)
        return b""

    with tars(tmp_path / name) as sink, Children() as children:
        sink.begin(set())
        children.fork(be_killed)
        (killed,) = children.results(monotonic() + 10)
        fill(sink, ITEMS[5:], JPEG)
        sink.settle()
        reported = {*range(12)} - {4}
        sink.complete(reported, is_whole=False)

    assert killed.error == "signal 9"
    assert rows_in(tmp_path / name).keys() == reported
