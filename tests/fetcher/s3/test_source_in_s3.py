"""S3 as where files come from, and where they go."""

import json
import os
import time
from itertools import count
from types import SimpleNamespace

import pytest
from tests.support.bucket_contents import files_in, objects_in, put
from tests.support.engine_jobs import body_of
from tests.support.handler_shards import invoke
from tests.support.s3_proxy import SLOW_DOWN

from fetcher.contract.options import SinkSpec
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.contract.template_source import Template


@pytest.fixture(autouse=True)
def _s3_environment(proxy, monkeypatch):
    """
    What Lambda tells an execution about S3, in this process.
    """
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)


def test_an_object_is_downloaded_whatever_its_key(fetch, s3, bucket):
    keys = ["a.jpg", "b/ü %2F&+=#?.jpg", "c d", "~e/./f//g"]
    urls = [put(s3, bucket, key, b"of " + key.encode()) for key in keys]
    ended = fetch(urls, allow_s3=True)

    assert {(one.outcome, one.detail) for one in ended} == {(Outcome.OK, "")}
    assert [body_of(one) for one in ended] == [b"of " + key.encode() for key in keys]


def test_an_object_is_called_after_bucket_and_key(fetch, s3, bucket, tmp_path):
    url = put(s3, bucket, "cats/1.jpg", b"xyz")
    fetch([Item(0, url)], allow_s3=True)

    assert (tmp_path / bucket / "cats" / "1.jpg").read_bytes() == b"xyz"


def test_objects_are_not_read_unless_that_is_allowed(fetch, s3, bucket):
    """
    Who brings the URLs may not be allowed what we are.
    """
    (one,) = fetch([put(s3, bucket, "a.jpg", b"xyz")])

    assert one.outcome is Outcome.BAD_URL
    assert "only http and https are fetched" in one.detail


def test_what_is_no_object_ends_as_one_would_expect(fetch, bucket):
    absent, no_key, no_bucket = fetch(
        [f"s3://{bucket}/absent.jpg", f"s3://{bucket}", "s3://No_Bucket/a"],
        allow_s3=True,
    )

    assert absent.outcome is Outcome.HTTP_STATUS
    assert absent.detail == "expected status 200, got 404"
    assert no_key.outcome is no_bucket.outcome is Outcome.BAD_URL
    assert "a bucket and no key" in no_key.detail
    assert "The bucket is 'No_Bucket'" in no_bucket.detail


def test_without_credentials_it_is_said_what_is_missing(fetch, bucket, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (one,) = fetch([f"s3://{bucket}/a"], allow_s3=True)

    assert one.outcome is Outcome.BAD_URL
    assert "AWS_SECRET_ACCESS_KEY" in one.detail


def test_every_try_is_signed_anew(fetch, s3, bucket, proxy):
    """
    A signature expires; a retry may come a long time after the first try.
    """
    url = put(s3, bucket, "a.jpg", b"xyz")
    left = [SLOW_DOWN]
    proxy.fault = lambda _: left.pop() if left else None
    moment = count(int(time.time()))
    clock = SimpleNamespace(
        time=lambda: next(moment), gmtime=time.gmtime, strftime=time.strftime
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fetcher.security.signing.time", clock)
        (one,) = fetch([url], allow_s3=True, attempts=2)
    signatures = {asked.signature for asked in proxy.asked}

    assert (one.outcome, one.attempts) == (Outcome.OK, 2)
    assert len(signatures) == 2


def test_nobody_is_told_what_an_url_was_signed_with(fetch, bucket, proxy):
    proxy.fault = lambda _: (403, "AccessDenied")
    (one,) = fetch([f"s3://{bucket}/a"], allow_s3=True)

    assert one.outcome is Outcome.HTTP_STATUS
    assert "X-Amz" not in one.detail
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in one.detail


@pytest.mark.parametrize("kind", ["s3-tar", "s3-objects"])
def test_from_s3_to_s3_through_the_handler(s3, bucket, kind):
    """
    Twice: the second time nothing is left that was not there.
    """
    for number in range(5):
        put(s3, bucket, f"from/{number}.jpg", b"x" * number)
    source = Template(f"s3://{bucket}/from/{{number}}.jpg", ((0, 6),))
    sink = SinkSpec(kind=kind, path=f"s3://{bucket}/to")
    reports = [invoke(source, sink, allow_s3=True) for _ in range(2)]
    kept = objects_in(s3, bucket)
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    to = {key: content for key, content in kept.items() if key.startswith("to/")}

    for report in reports:
        assert [one.outcome for one in report.downloads] == ["ok"] * 5 + ["http_status"]
        assert report.tally.body_bytes == 10
    if kind == "s3-tar":
        files = files_in(to["to/r/00-00003.tar"])
        assert [len(files[f"{number:09}.jpg"]) for number in range(5)] == list(range(5))
        assert json.loads(files["000000004.json"])["url"] == f"s3://{bucket}/from/4.jpg"
        assert secret not in to["to/r/00-00003.tar"]
        assert len(to) == 2
    else:
        assert {key.rpartition("/")[2]: len(body) for key, body in to.items()} == {
            f"{number}.jpg": number for number in range(5)
        }


def test_rows_that_a_sink_lost_are_counted_as_lost(s3, bucket, proxy):
    for number in range(3):
        put(s3, bucket, f"from/{number}", b"x")
    proxy.fault = lambda asked: (403, "AccessDenied") if asked.method == "PUT" else None
    source = Template(f"s3://{bucket}/from/{{number}}", ((0, 4),))
    sink = SinkSpec(kind="s3-tar", path=f"s3://{bucket}/to")
    report = invoke(source, sink, allow_s3=True)

    assert [one.outcome for one in report.downloads] == ["sink"] * 3 + ["http_status"]
    assert report.tally.counts[Outcome.SINK] == 3
    assert report.tally.ok == report.tally.body_bytes == 0
    assert "AccessDenied" in report.downloads[0].detail
