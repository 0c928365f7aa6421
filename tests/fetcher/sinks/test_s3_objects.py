"""Bodies as objects in S3: each under its key, none lost, whatever S3 is busy with."""

import random
import threading
from collections import Counter
from pathlib import Path
from time import monotonic

import pytest
from tests.support.bucket_contents import objects_in
from tests.support.engine_jobs import SOON_S, fetch
from tests.support.full_sink import fetch_while_full
from tests.support.misbehaving_origin import Origin
from tests.support.object_sink import item, key, sink_for
from tests.support.s3_proxy import (
    HANG_UP,
    INTERNAL,
    LOSE_ANSWER,
    SLOW_DOWN,
    WAIT_S,
    once,
)
from tests.support.tar_sink import outcomes, write
from tests.support.waiting import eventually

from fetcher.contract.options import ENGINES
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.sinks import s3_objects
from fetcher.transfer.sink import WHOLE

JPEG = WHOLE._replace(content_type="image/jpeg")


def test_each_body_is_an_object_of_its_own_type_under_its_own_key(proxy, bucket, s3):
    with sink_for(bucket, proxy) as earlier:
        earlier.keep(item(0), [b"old and long"])
        earlier.settle()
    with sink_for(bucket, proxy) as sink:
        path = sink.keep(item(0), [b"ab", b"c"], JPEG)
        large = b"x" * 300_000 + b"y"
        write(sink, item(1), large, JPEG._replace(content_type="text/plain; charset=é"))
        half = sink.open(item(2))
        half.write([b"half"])
        half.discard()
        lost = sink.settle()
    head = s3.head_object(Bucket=bucket, Key=key(0))

    assert lost == {}
    assert path == f"s3://{bucket}/{key(0)}"
    assert objects_in(s3, bucket) == {key(0): b"abc", key(1): large}
    assert head["ContentType"] == "image/jpeg"


def test_keys_are_spread_over_prefixes_and_always_the_same():
    """
    A bucket takes 3,500 writes a second for each.
    """
    prefixes = Counter(key(number).split("/")[1] for number in range(25_600))

    assert len(prefixes) == 256
    assert max(prefixes.values()) < 200
    assert key(5) == "kept/1f/h/5.jpg"


@pytest.mark.parametrize("fault", [HANG_UP, LOSE_ANSWER])
def test_a_file_that_s3_is_too_busy_for_it_is_given_again(proxy, bucket, s3, fault):
    proxy.fault = once("PutObject", fault)
    with sink_for(bucket, proxy) as sink:
        write(sink, item(0), b"x" * 200_000)
        lost = sink.settle()

    assert lost == {}
    assert objects_in(s3, bucket) == {key(0): b"x" * 200_000}
    assert len(proxy.seen("PutObject")) == 2


def busy(asked):
    """
    Return what a bucket answers that is asked far too often.
    """
    draw = random.random()
    if asked.what != "PutObject" or draw > 0.4:
        return None
    return SLOW_DOWN if draw < 0.2 else INTERNAL if draw < 0.3 else HANG_UP


@pytest.mark.parametrize(
    "many", [150, pytest.param(2_000, marks=pytest.mark.soak, id="soak")]
)
def test_of_many_files_none_is_lost_while_s3_fails_at_random(proxy, s3, bucket, many):
    proxy.fault = busy
    with Origin() as origin, sink_for(bucket, proxy, left_s=120) as sink:
        items = [Item(n, origin.url(f"/target/{n}")) for n in range(many)]
        options = {"connections": 32, "attempts": 3, "deadline_s": 120}
        ended = fetch(ENGINES[0], items, sink, **options)
        lost = sink.settle()
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [one["Key"] for page in pages for one in page["Contents"]]

    assert {one.outcome for one in ended} == {Outcome.OK}
    assert lost == {}
    assert {k.rpartition("/")[2] for k in keys} == set(map(str, range(many)))
    for one in random.sample(keys, 20):
        found = s3.get_object(Bucket=bucket, Key=one)["Body"].read()
        assert found == f"/target/{one.rpartition('/')[2]}".encode()
    assert len(proxy.seen("PutObject")) > 1.2 * many


def test_what_s3_refuses_is_lost_with_the_reason(proxy, bucket, s3):
    proxy.fault = lambda asked: (
        (400, "EntityTooLarge") if asked.path.endswith("/1.jpg") else None
    )
    with sink_for(bucket, proxy) as sink:
        for number in range(3):
            sink.keep(item(number), [b"x"])
        lost = sink.settle()

    assert outcomes(lost) == {1: Outcome.SINK}
    assert lost[1].detail == (
        f"could not keep the body at s3://{bucket}/{key(1)}: "
        "S3 answered 400 EntityTooLarge: because"
    )
    assert set(objects_in(s3, bucket)) == {key(0), key(2)}


def test_what_is_not_safe_at_the_deadline_is_to_be_fetched_again(proxy, bucket):
    over = threading.Event()
    proxy.fault = lambda asked: (
        over.wait(WAIT_S) and HANG_UP if asked.path.endswith("/1.jpg") else None
    )
    with sink_for(bucket, proxy) as sink:
        for number in range(3):
            sink.keep(item(number), [b"x"])
        eventually(lambda: sink._waiting == {1})
        began = monotonic()
        sink.until = began + 0.2
        lost = sink.settle()
    took_s = monotonic() - began
    over.set()

    assert outcomes(lost) == {1: Outcome.UNSTARTED}
    assert "deadline" in lost[1].detail
    assert took_s < SOON_S


def test_a_key_that_is_too_long_is_an_error_of_the_sink(proxy, bucket):
    name = "/".join(["d" * 150] * 8)
    with (
        sink_for(bucket, proxy) as sink,
        pytest.raises(OSError, match="The key has 1,2"),
    ):
        sink.keep(Item(0, "http://h/0", name), [b"x"])


@pytest.mark.parametrize(("size", "limit"), [(9, "_FULL_MANY"), (300_000, "_SENDERS")])
def test_nothing_more_is_begun_while_s3_takes_less_than_is_downloaded(
    proxy, bucket, monkeypatch, size, limit
):
    """
    Be it for the bodies that memory holds, or for the descriptors of the others.
    """
    monkeypatch.setattr(s3_objects, limit, 10)
    taken = threading.Event()
    proxy.fault = lambda _: taken.wait(WAIT_S) and None
    with Origin() as origin, sink_for(bucket, proxy) as sink:
        urls = [Item(n, origin.url(f"/bytes/{size}/{n}")) for n in range(50)]
        begun, waited, ended = fetch_while_full(origin, urls, sink, taken)
        lost = sink.settle()

    assert waited == begun < 50
    assert ended == 50
    assert lost == {}


def descriptors():
    return len(list(Path("/dev/fd").iterdir()))


def test_closing_breaks_off_what_is_under_way_and_leaves_no_descriptor(proxy, bucket):
    over = threading.Event()
    proxy.fault = lambda _: over.wait(WAIT_S) and HANG_UP
    before = descriptors()
    with sink_for(bucket, proxy) as sink:
        for number in range(40):
            write(sink, item(number), b"x" * 1_000)
        during = descriptors()
        began = monotonic()
    took_s = monotonic() - began
    over.set()

    assert took_s < SOON_S
    assert during >= before + 40
    eventually(lambda: descriptors() <= before)  # the proxy's own go a little later


def test_only_what_is_below_the_prefix_is_looked_at_to_resume(proxy, bucket):
    """
    There may be a million others below `kept2`.
    """
    with sink_for(bucket, proxy) as sink:
        path = sink.keep(item(0), [b"abc"])
        sink.settle()
    with sink_for(bucket, proxy) as sink:
        assert sink.holds(path, 3)
        assert not sink.holds(path, 4)
        assert not sink.holds(f"s3://{bucket}/kept/df/h/none.jpg", 0)
        assert sink.key_at(path) == path == sink.key_of(item(0))
        assert sink.key_at(f"s3://{bucket}/kept2/00/h/0.jpg") == ""
    (listing,) = (asked for asked in proxy.asked if "list-type" in asked.query)

    assert listing.query["prefix"] == "kept/"
