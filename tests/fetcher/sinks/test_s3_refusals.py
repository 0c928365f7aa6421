"""A bucket that takes nothing ends it all; a key that is denied costs only itself."""

import threading

import pytest
from tests.support.bucket_contents import objects_in
from tests.support.object_sink import item, key, sink_for
from tests.support.s3_proxy import DENIED, WAIT_S, always, once
from tests.support.tar_sink import outcomes
from tests.support.waiting import eventually

from fetcher.contract.outcome import Outcome
from fetcher.s3 import connection
from fetcher.s3.connection import Connection
from fetcher.sinks import s3_objects


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
