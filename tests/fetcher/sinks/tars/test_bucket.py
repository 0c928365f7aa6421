"""Tars in S3: complete, with an index, or not there; and found again after a kill."""

import io
import tarfile
from contextlib import closing
from time import monotonic

import pytest
from tests.support.bucket_contents import objects_in, put, uploads_in
from tests.support.s3_proxy import DENIED, WAIT_S
from tests.support.signed_requests import account_at
from tests.support.tar_rows import ITEMS, body, fill, items_in, tars_by_row
from tests.support.tar_sink import MB, outcomes
from tests.support.waiting import eventually

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.s3.urls import Place
from fetcher.sinks.tars import bucket as module
from fetcher.sinks.tars.bucket import BucketTars

JPEG = Download(
    *(Outcome.OK, 200),
    content_type="text/plain",
    found_type="image/jpeg",
    sha256="ab" * 32,
    width=7,
    height=5,
)


@pytest.fixture
def tars(proxy, bucket):
    """Return the sink, as a context."""
    account, prefix = account_at(proxy.url), Place(bucket, "kept")
    return lambda: closing(BucketTars(prefix, account, monotonic() + WAIT_S))


def told(s3, bucket):
    """Return what all tars hold: their numbers by position, see `tars_by_row`."""
    objects = objects_in(s3, bucket)
    return tars_by_row(
        {
            int(key[-9:-4]): (objects[key], objects[key.replace(".tar", ".jsonl")])
            for key in objects
            if key.endswith(".tar")
        }
    )


def test_a_row_is_settled_once_its_tar_is_complete_and_tars_have_indices(
    tars, s3, bucket, monkeypatch
):
    monkeypatch.setattr(module, "MOST_FILES", 5)
    with tars() as sink:
        sink.begin(set())
        paths = fill(sink, ITEMS[:4], JPEG)
        before = sink.settled(), objects_in(s3, bucket)
        paths |= fill(sink, ITEMS[4:], JPEG)
        settled = {}
        eventually(lambda: settled.update(sink.settled()) or len(settled) == 10)
        lost = sink.settle()
    objects = objects_in(s3, bucket)

    assert before == ({}, {})
    assert settled == dict.fromkeys(range(10))
    assert lost == {}
    assert told(s3, bucket) == {n: n // 5 for n in range(12)}
    assert len(objects) == 6
    assert paths[11] == f"s3://{bucket}/kept/00002.tar/000000012.jpg"
    assert b'"caption": "number 3"' in objects["kept/00000.jsonl"]
    with tars() as again:
        assert all(again.holds(path, len(body(ITEMS[n]))) for n, path in paths.items())
        assert not again.holds(paths[11], 1)
        assert {again.key_at(path) for path in paths.values()} == {
            again.key_of(item) for item in ITEMS
        }
        assert again.key_at(f"s3://{bucket}/00000.tar/000000001.jpg") == ""


@pytest.mark.usefixtures("small_parts")
def test_the_rows_of_a_tar_that_is_lost_are_lost_and_the_next_tar_takes_more(
    tars, proxy, s3, bucket
):
    """
    What is fetched again gets the number that was not used.
    """
    proxy.fault = lambda asked: (
        (400, "BadDigest")
        if asked.what == "UploadPart" and "00000" in asked.path
        else None
    )
    large = [body(ITEMS[1])[:1] * MB] * 5
    with tars() as sink:
        sink.begin(set())
        for item in ITEMS[:2]:
            sink.keep(item, large)
        eventually(lambda: sink._tar.failure)
        fill(sink, ITEMS[2:4], JPEG)
        lost = sink.settle()
    after = told(s3, bucket)
    with tars() as sink:
        sink.begin({2, 3})
        fill(sink, ITEMS[:2], JPEG)
        sink.settle()

    assert outcomes(lost) == dict.fromkeys(range(2), Outcome.SINK)
    assert f"could not keep the tar at s3://{bucket}/kept/00000.tar" in lost[0].detail
    assert after == {2: 1, 3: 1}
    assert told(s3, bucket) == {0: 0, 1: 0, 2: 1, 3: 1}
    assert uploads_in(s3, bucket) == []


def test_what_a_kill_left_is_reported_or_cleared_up(tars, s3, bucket):
    """
    It came after a tar was complete, before its index and the report were written.
    """
    with tars() as sink:
        sink.begin(set())
        paths = fill(sink, ITEMS[:4], JPEG)
        sink.settle()
    index = objects_in(s3, bucket)["kept/00000.jsonl"]
    s3.delete_object(Bucket=bucket, Key="kept/00000.jsonl")
    others = ["kept/00001.tar.gz", "kept/deep/00000.tar", "kept2/00000.tar"]
    for key in ("kept/00001.tar", *others):
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    with tars() as sink:
        found = dict(sink.unreported(items_in, {0}))
        sink.begin(range(4))
        left = uploads_in(s3, bucket)
        fill(sink, ITEMS[4:], JPEG)
        sink.settle()

    assert found == {
        ITEMS[n]: JPEG._replace(body_bytes=len(body(ITEMS[n])), path=paths[n])
        for n in (1, 2, 3)
    }
    assert objects_in(s3, bucket)["kept/00000.jsonl"] == index
    assert sorted(left) == others
    assert told(s3, bucket) == {n: n >= 4 for n in range(12)}


def test_tars_of_others_are_left_alone(tars, s3, bucket):
    with tars() as sink:
        sink.begin(set())
        fill(sink, ITEMS[:4], JPEG)
        sink.settle()
    before = objects_in(s3, bucket)
    moved = [item._replace(url=f"{item.url}/new") for item in ITEMS]
    with tars() as sink:
        found = list(sink.unreported(lambda spans: (moved[n] for n, _ in spans), {0}))
        with pytest.raises(ValueError, match=r"00000\.tar has 3 files that --report"):
            sink.begin({0})
    for foreign in (b"no tar".ljust(1_024, b"\0"), tar_of_img2dataset()):
        put(s3, bucket, "kept/00001.tar", foreign)
        with tars() as sink, pytest.raises(ValueError, match="not written by this"):
            sink.holds(f"s3://{bucket}/kept/00000.tar/000000001.jpg", 0)
    s3.delete_object(Bucket=bucket, Key="kept/00001.tar")

    assert found == []
    assert objects_in(s3, bucket) == before


def tar_of_img2dataset():
    """It numbers rows from 0."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, text in (("000000000.jpg", b"abc"), ("000000000.json", b"{}")):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return file.getvalue()


def test_of_two_runs_at_once_the_second_to_finish_a_tar_fetches_its_rows_again(
    tars, s3, bucket
):
    with tars() as first, tars() as second:
        for sink, items in ((first, ITEMS[:3]), (second, ITEMS[2:5])):
            sink.begin(set())
            fill(sink, items, JPEG)
        lost = first.settle(), second.settle()

    assert lost[0] == {}
    assert outcomes(lost[1]) == dict.fromkeys((2, 3, 4), Outcome.UNSTARTED)
    assert "another run has written its tar" in lost[1][2].detail
    assert told(s3, bucket) == dict.fromkeys(range(3), 0)


def test_who_may_not_abort_uploads_is_told_and_the_run_goes_on(
    tars, proxy, s3, bucket, caplog
):
    proxy.fault = lambda asked: DENIED if "uploads" in asked.query else None
    with tars() as sink:
        sink.begin(set())
        fill(sink, ITEMS[:1], JPEG)
        sink.settle()

    assert told(s3, bucket) == {0: 0}
    assert f"Unfinished uploads below s3://{bucket}/kept, if there are any" in (
        caplog.text
    )
