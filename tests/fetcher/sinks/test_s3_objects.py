"""Bodies as objects in S3: each under its key, none lost, whatever S3 is busy with."""

import random
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
from tests.support.bucket_contents import objects_in
from tests.support.engine_jobs import SOON_S, fetch
from tests.support.full_sink import fetch_while_full
from tests.support.misbehaving_origin import Origin
from tests.support.s3_proxy import (
    DENIED,
    HANG_UP,
    INTERNAL,
    LOSE_ANSWER,
    SLOW_DOWN,
    WAIT_S,
    always,
    once,
)
from tests.support.signed_requests import account_at
from tests.support.tar_sink import outcomes, write
from tests.support.waiting import eventually

from fetcher.contract.options import ENGINES
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.s3 import connection
from fetcher.s3.connection import Connection
from fetcher.s3.urls import Place
from fetcher.sinks import s3_objects
from fetcher.sinks.s3_objects import S3Objects, object_of
from fetcher.transfer.sink import WHOLE

JPEG = WHOLE._replace(content_type="image/jpeg")


def sink_for(bucket, proxy, left_s=WAIT_S):
    account = account_at(proxy.url)
    return closing(S3Objects(Place(bucket, "kept"), account, monotonic() + left_s))


def item(number):
    return Item(number, f"http://h/{number}.jpg")


def key(number):
    return object_of(Place("any", "kept"), item(number)).key


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


def test_once_a_bucket_turns_out_not_to_be_there_nothing_more_is_taken(proxy):
    with sink_for("no-such-bucket", proxy) as sink:
        sink.keep(item(0), [b"x"])
        lost = sink.settle()

        assert lost[0].outcome is Outcome.SINK
        assert "NoSuchBucket" in lost[0].detail
        with pytest.raises(OSError, match="NoSuchBucket"):
            sink.keep(item(1), [b"x"])
        with pytest.raises(OSError, match="NoSuchBucket"):
            sink.open(item(1))


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


def test_a_bucket_that_is_not_there_is_refused_before_anything_is_downloaded(proxy):
    with (
        sink_for("no-such-bucket", proxy) as sink,
        pytest.raises(OSError, match="NoSuchBucket"),
    ):
        sink.begin(set())


def test_a_bucket_that_may_not_be_listed_may_be_written_to(proxy, bucket, s3):
    proxy.fault = lambda asked: DENIED if asked.method == "GET" else None
    with sink_for(bucket, proxy) as sink:
        sink.begin(set())
        sink.keep(item(0), [b"x"])

        assert sink.settle() == {}
    assert set(objects_in(s3, bucket)) == {key(0)}


@pytest.mark.parametrize("denied", [0, 1])
def test_a_key_that_is_denied_costs_no_others_where_some_are_taken(
    proxy, bucket, s3, denied
):
    ending, ended = f"/{denied}.jpg", {}
    proxy.fault = lambda asked: DENIED if asked.path.endswith(ending) else None
    with sink_for(bucket, proxy) as sink:
        for number in range(2):
            sink.keep(item(number), [b"x"])
        eventually(lambda: ended.update(sink.settled()) or len(ended) == 2)
        sink.keep(item(2), [b"x"])
        lost = sink.settle()

    assert outcomes({denied: ended[denied]}) == {denied: Outcome.SINK}
    assert lost == {}  # what has been settled is not told twice
    assert set(objects_in(s3, bucket)) == {key(n) for n in range(3)} - {key(denied)}


def refuses(sink, number, code):
    sink.keep(item(number), [b"x"])
    return code in sink.settle()[number].detail


def test_the_first_keys_may_be_denied_but_not_too_many(proxy, bucket, s3, monkeypatch):
    """
    Where all are denied, nothing more is downloaded for nothing.
    """
    monkeypatch.setattr(s3_objects, "_SENDERS", 3)
    proxy.fault = always("PutObject", DENIED)
    with sink_for(bucket, proxy) as sink:
        assert refuses(sink, 0, "AccessDenied")
        assert refuses(sink, 1, "AccessDenied")
        assert refuses(sink, 2, "AccessDenied")
        with pytest.raises(OSError, match="AccessDenied"):
            sink.keep(item(3), [b"x"])

    with sink_for(bucket, proxy) as sink:
        assert refuses(sink, 0, "AccessDenied")
        assert refuses(sink, 1, "AccessDenied")
        proxy.fault = lambda _: None
        sink.keep(item(3), [b"x"])
        assert set(sink.settle()) == {0, 1}
        proxy.fault = always("PutObject", DENIED)
        assert refuses(sink, 4, "AccessDenied")
        assert refuses(sink, 5, "AccessDenied")
    assert set(objects_in(s3, bucket)) == {key(3)}


def test_what_is_denied_later_hides_no_other_reason_to_take_no_more(
    proxy, bucket, monkeypatch
):
    monkeypatch.setattr(s3_objects, "_SENDERS", 2)
    given, expired = threading.Event(), threading.Event()
    proxy.fault = lambda asked: (
        given.wait(WAIT_S) and (400, "ExpiredToken")
        if asked.path.endswith("/0.jpg")
        else expired.wait(WAIT_S) and DENIED
    )
    with sink_for(bucket, proxy) as sink:
        for number in range(3):
            sink.keep(item(number), [b"x"])
        given.set()
        eventually(lambda: sink._hopeless)
        expired.set()
        sink.settle()

        with pytest.raises(OSError, match="ExpiredToken"):
            sink.keep(item(3), [b"x"])


def test_a_bucket_that_may_be_listed_tells_nothing_of_what_may_be_written(
    proxy, bucket, monkeypatch
):
    """
    Whoever may list it already may have been allowed to write a moment ago.
    """
    monkeypatch.setattr(connection, "_ALLOWED_WITHIN_S", WAIT_S)
    monkeypatch.setattr(Connection, "_was_allowed", False)
    proxy.fault = once("PutObject", DENIED)
    with sink_for(bucket, proxy) as sink:
        sink.begin(set())
        sink.keep(item(0), [b"x"])

        assert sink.settle() == {}
    assert len(proxy.seen("PutObject")) == 2


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
