"""Tars on this machine: whole, readable by WebDataset, and never torn by a kill."""

import json
import os
import tarfile
from contextlib import ExitStack, closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webdataset import tariterators

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.sinks.tars import local
from fetcher.sinks.tars.local import LocalTars

ITEMS = [
    Item(n, f"http://h/{n}", carried=json.dumps({"caption": f"number {n}"}))
    for n in range(12)
]
JPEG = Download(Outcome.OK, 200, found_type="image/jpeg")


def body(item):
    return f"{item.number}".encode() * (400 * item.number)


def tars(place):
    """Return the sink for a folder, or for one tar."""
    return closing(LocalTars(place, is_folder=place.suffix != ".tar"))


def fill(sink, items):
    """Keep bodies, half of them in pieces; return their paths."""
    paths = {}
    for item in items:
        if item.number % 2:
            paths[item.number] = sink.keep(item, [body(item)], JPEG)
        else:
            writer = sink.open(item)
            writer.write([body(item)[:100], body(item)[100:]])
            paths[item.number] = writer.commit(JPEG)
    return paths


def rows_in(place):
    """Return what all tars of a place hold, by position, checked by their indices."""
    found = {}
    folder = place if place.is_dir() else place.parent
    for path in folder.glob("*.tar"):
        ending = ".jsonl" if place.is_dir() else ".index.jsonl"
        raw = path.read_bytes()
        with tarfile.open(path) as tar:
            content = {one.name: tar.extractfile(one).read() for one in tar}
        for line in path.with_suffix(ending).read_text().splitlines():
            row = json.loads(line)
            name, position = row["key"], row["row"] - 1
            at, end = row["offset"], row["offset"] + row["size"]
            assert content.pop(name) == raw[at:end] == body(ITEMS[position])
            beside = json.loads(content.pop(f"{position + 1:09}.json"))
            assert beside["caption"] == row["caption"] == f"number {position}"
            assert position not in found
            found[position] = name
        assert content == {}
    assert not list(folder.glob("*.part"))
    return found


@pytest.mark.parametrize("name", ["shards", "one.tar"])
def test_webdataset_reads_pictures_with_the_columns_of_their_rows(
    tmp_path, name, monkeypatch
):
    monkeypatch.setattr(local, "MOST_FILES", 5)
    place = tmp_path / name
    with tars(place) as sink:
        sink.begin(set())
        paths = fill(sink, ITEMS)
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
        sink.begin(reported.keys())
        return sink, [item for item in ITEMS if item.number not in reported]

    for many, torn, unreported in rounds:
        sink, left = resumed()
        paths = fill(sink, left[:many])
        if sink._tar:
            sink._tar.drop()
            sink._tar = None
        sink.close()
        for path in place.parent.rglob("*.tar.part"):
            os.truncate(path, max(0, path.stat().st_size - torn))
        reported |= {at: paths[at] for at in paths if at not in unreported}
    sink, left = resumed()
    with closing(sink):
        fill(sink, left)
        sink.settle()
        sink.complete(set(range(12)), is_whole=True)

    assert sorted(rows_in(place)) == list(range(12))


def test_a_run_that_lost_a_process_leaves_out_what_nobody_reported(tmp_path):
    with tars(tmp_path / "shards") as sink:
        sink.begin(set())
        fill(sink, ITEMS[:4])
        sink.complete({0, 2}, is_whole=False)

    assert sorted(rows_in(tmp_path / "shards")) == [0, 2]


@pytest.mark.parametrize("name", ["shards", "one.tar"])
def test_a_tar_of_another_list_is_left_alone(tmp_path, name):
    place = tmp_path / name
    with tars(place) as sink:
        sink.begin(set())
        fill(sink, ITEMS[:4])
        sink.settle()
        sink.complete(set(range(4)), is_whole=True)
    with tars(place) as sink, pytest.raises(ValueError, match="2 files that --report"):
        sink.begin({0, 1})

    assert len(rows_in(place)) == 4


@pytest.mark.parametrize("name", ["shards", "one.tar"])
def test_two_runs_do_not_write_to_one_place_at_once(tmp_path, name):
    with tars(tmp_path / name) as first, tars(tmp_path / name) as second:
        first.begin(set())
        with pytest.raises(ValueError, match="is being written by another run"):
            second.begin(set())
