"""S3 as where files come from, and where lists of them are."""

import gzip
import json
import threading
import time
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.in_bucket import files_in, objects_in
from tests.jobs import fetch
from tests.s3_proxy import SLOW_DOWN, WAIT_S

from fetcher import handler
from fetcher.options import Options, SinkSpec
from fetcher.outcome import Outcome
from fetcher.s3_slices import Slices, pack_rows
from fetcher.shard import Report, Shard
from fetcher.source import Item, Template, numbers_in, ranges_of, source_from_dict
from rollout.slices import read, remove, slice_up


@pytest.fixture(autouse=True)
def _environment(proxy, monkeypatch):
    """
    What Lambda tells an execution of S3.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-ours")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-ours")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)


def put(s3, bucket, key, content):
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    return f"s3://{bucket}/{key}"


@pytest.mark.parametrize("key", ["a.jpg", "b/ü %2F&+=#?.jpg", "c d", "~e/./f//g"])
def test_an_object_is_downloaded_whatever_its_key(engine, s3, bucket, tmp_path, key):
    url = put(s3, bucket, key, b"of " + key.encode())
    (one,) = fetch(engine, [url], tmp_path, allow_s3=True)

    assert (one.outcome, one.detail, one.body_bytes) == (
        Outcome.OK,
        "",
        3 + len(key.encode()),
    )
    assert (tmp_path / "0").read_bytes() == b"of " + key.encode()


def test_an_object_is_called_after_bucket_and_key(engine, s3, bucket, tmp_path):
    url = put(s3, bucket, "cats/1.jpg", b"xyz")
    fetch(engine, [Item(0, url)], tmp_path, allow_s3=True)

    assert (tmp_path / bucket / "cats" / "1.jpg").read_bytes() == b"xyz"


def test_objects_are_not_read_unless_that_is_allowed(engine, s3, bucket, tmp_path):
    """
    Who brings the URLs may not be allowed what we are.
    """
    url = put(s3, bucket, "a.jpg", b"xyz")
    (one,) = fetch(engine, [url], tmp_path)

    assert one.outcome is Outcome.BAD_URL
    assert "only http and https are fetched" in one.detail


@pytest.mark.parametrize(
    ("url", "outcome", "said"),
    [
        (
            "s3://{bucket}/absent.jpg",
            Outcome.HTTP_STATUS,
            "expected status 200, got 404",
        ),
        ("s3://{bucket}", Outcome.BAD_URL, "a bucket and no key"),
        ("s3://No_Bucket/a", Outcome.BAD_URL, "The bucket is 'No_Bucket'"),
    ],
)
def test_what_is_no_object_ends_as_one_would_expect(
    engine, bucket, tmp_path, url, outcome, said
):
    (one,) = fetch(engine, [url.format(bucket=bucket)], tmp_path, allow_s3=True)

    assert one.outcome is outcome
    assert said in one.detail


def test_without_credentials_it_is_said_what_is_missing(
    engine, bucket, tmp_path, monkeypatch
):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (one,) = fetch(engine, [f"s3://{bucket}/a"], tmp_path, allow_s3=True)

    assert one.outcome is Outcome.BAD_URL
    assert "AWS_SECRET_ACCESS_KEY" in one.detail


def test_every_try_is_signed_anew(engine, s3, bucket, tmp_path, proxy):
    """
    A signature expires; a retry may come a long time after the first try.
    """
    url = put(s3, bucket, "a.jpg", b"xyz")
    left = [SLOW_DOWN]
    proxy.fault = lambda _: left.pop() if left else None
    moment = iter(range(1_800_000_000, 1_900_000_000))
    with pytest.MonkeyPatch.context() as patch:
        gmtime = time.gmtime
        patch.setattr("fetcher.s3_account.time.gmtime", lambda: gmtime(next(moment)))
        (one,) = fetch(engine, [url], tmp_path, allow_s3=True, attempts=2)
    signatures = {asked.signature for asked in proxy.asked}

    assert (one.outcome, one.attempts) == (Outcome.OK, 2)
    assert len(signatures) == 2


def test_nobody_is_told_what_an_url_was_signed_with(engine, bucket, tmp_path, proxy):
    proxy.fault = lambda _: (403, "AccessDenied")
    (one,) = fetch(engine, [f"s3://{bucket}/a"], tmp_path, allow_s3=True)

    assert one.outcome is Outcome.HTTP_STATUS
    assert "X-Amz" not in one.detail
    assert "token-of-ours" not in one.detail


class Context:
    def get_remaining_time_in_millis(self):
        return 60_000


def invoke(source, sink, wave=0, **options):
    shard = Shard(
        run="r",
        index=3,
        wave=wave,
        source=source,
        sink=sink,
        options=Options(allow_private=True, connections=4, attempts=1, **options),
    )
    event = json.loads(shard.to_json())
    return Report.from_dict(json.loads(json.dumps(handler.download(event, Context()))))


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
    to = {key: content for key, content in kept.items() if key.startswith("to/")}

    for report in reports:
        assert [one.outcome for one in report.downloads] == ["ok"] * 5 + ["http_status"]
        assert report.tally.body_bytes == 10
    if kind == "s3-tar":
        files = files_in(to["to/r/00-00003.tar"])
        assert [len(files[f"{number:09}.jpg"]) for number in range(5)] == list(range(5))
        assert json.loads(files["000000004.json"])["url"] == f"s3://{bucket}/from/4.jpg"
        assert b"token-of-ours" not in to["to/r/00-00003.tar"]
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


@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("s3-tar", "", "'' is no place in S3: write s3://bucket/prefix"),
        ("s3-objects", "/tmp/x", "'/tmp/x' is no place in S3"),
        ("s3-tar", "s3://B", "The bucket is 'B'"),
        ("directory", "s3://photos/a", "use the sink s3-tar or s3-objects"),
    ],
)
def test_a_sink_that_cannot_be_there_is_refused(kind, path, said):
    with pytest.raises(ValueError, match=said):
        SinkSpec(kind=kind, path=path)


# Lists in S3.

NUMBERS = st.sets(st.integers(0, 600), min_size=1, max_size=60).map(sorted)


def listed(tmp_path, many):
    path = tmp_path / "list.jsonl"
    rows = [
        {"row": n + 1, "url": f"http://h/{n}"}
        | ({"destination": f"d/{n}"} if n % 2 else {})
        | ({"sha256": "ab" * 32} if n % 3 else {})
        for n in range(many)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path, [
        Item(n, row["url"], row.get("destination", ""), row.get("sha256", ""))
        for n, row in enumerate(rows)
    ]


def test_a_list_in_s3_is_what_it_was_here(s3, bucket, target, tmp_path):
    path, items = listed(tmp_path, 2_345)
    slices = slice_up(path, f"s3://{bucket}/lists/1", target)
    travelled = source_from_dict(json.loads(json.dumps(slices.to_dict())))

    assert travelled == slices
    assert len(slices) == 2_345
    assert list(slices) == list(read(slices, target)) == items
    assert len(json.dumps(slices.to_dict())) < 150
    assert sorted(objects_in(s3, bucket)) == [
        f"lists/1/{index:06}.jsonl.gz" for index in range(3)
    ]
    assert remove(slices.where, target) == 3
    assert objects_in(s3, bucket) == {}


def test_an_execution_reads_only_the_objects_it_needs(bucket, target, tmp_path, proxy):
    path, items = listed(tmp_path, 3_100)
    where = slice_up(path, f"s3://{bucket}/l", target).where
    slices = Slices(where, ((998, 4), (3_050, 2)))

    assert list(slices) == [items[n] for n in (998, 999, 1_000, 1_001, 3_050, 3_051)]
    assert [asked.path[-15:] for asked in proxy.asked] == [
        "000000.jsonl.gz",
        "000001.jsonl.gz",
        "000003.jsonl.gz",
    ]


@given(NUMBERS, st.integers(1, 300))
def test_every_number_is_looked_for_where_it_is(numbers, per_slice):
    slices = Slices("s3://photos/l", ranges_of(numbers), per_slice)
    objects = list(slices.objects())
    everything = [Item(n, f"u{n}") for n in range(601)]
    found = [
        item
        for index, stretches in objects
        for item in slices.items_in(
            index,
            stretches,
            pack_rows(everything[index * per_slice : (index + 1) * per_slice]),
        )
    ]

    assert [item.number for item in found] == numbers == list(numbers_in(slices.ranges))
    assert [item.url for item in found] == [f"u{number}" for number in numbers]
    assert [index for index, _ in objects] == sorted({n // per_slice for n in numbers})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"?", "000000.jsonl.gz is no slice of a list"),
        (gzip.compress(b"{", mtime=0), "000000.jsonl.gz is no slice of a list"),
        (
            pack_rows([Item(0, "http://h")]),
            "holds 1 rows, not those that were asked for",
        ),
    ],
)
def test_what_is_no_list_is_said_so(s3, bucket, data, said):
    put(s3, bucket, "l/000000.jsonl.gz", data)

    with pytest.raises(ValueError, match=said):
        list(Slices(f"s3://{bucket}/l", ((0, 2),)))


def test_of_a_list_nothing_may_be_wanted(bucket):
    assert list(Slices(f"s3://{bucket}/l", ())) == []


def test_a_list_that_is_not_there_is_said_so(bucket):
    with pytest.raises(OSError, match=r"S3 answered 404 NoSuchKey.*000000\.jsonl\.gz"):
        list(Slices(f"s3://{bucket}/l", ((0, 2),)))


def test_a_shard_of_a_list_in_s3_is_downloaded(origin, bucket, target, tmp_path):
    path = tmp_path / "list.jsonl"
    urls = [origin.url(f"/bytes/{100 + n}") for n in range(20)]
    path.write_text("".join(json.dumps({"url": url}) + "\n" for url in urls))
    where = slice_up(path, f"s3://{bucket}/l", target).where
    report = invoke(Slices(where, ((5, 10),)), SinkSpec(kind="discard"))

    assert report.tally.ok == 10
    assert [one.body_bytes for one in report.downloads] == list(range(105, 115))


def test_of_a_list_that_does_not_come_the_rest_is_unstarted_at_the_deadline(
    origin, bucket, target, tmp_path, proxy
):
    path = tmp_path / "list.jsonl"
    urls = [origin.url(f"/bytes/9/{n}") for n in range(1_010)]
    path.write_text("".join(json.dumps({"url": url}) + "\n" for url in urls))
    where = slice_up(path, f"s3://{bucket}/l", target).where
    over = threading.Event()
    proxy.fault = lambda asked: "000001" in asked.path and over.wait(WAIT_S) and None
    shard = Shard(
        run="r",
        index=0,
        source=Slices(where, ((990, 20),)),
        sink=SinkSpec(kind="discard"),
        options=Options(allow_private=True, connections=4),
        deadline_s=1.0,
    )
    began = monotonic()
    report = Report.from_dict(handler.download(json.loads(shard.to_json()), Context()))
    took_s = monotonic() - began
    over.set()

    assert 0 < report.tally.ok <= 10
    assert report.tally.counts[Outcome.UNSTARTED] == 20 - report.tally.ok
    assert took_s < 3


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"where": "lists"}, "is no place in S3"),
        ({"per_slice": 0}, "per_slice is 0"),
        ({"ranges": [[3, 0]]}, "none may be empty"),
    ],
)
def test_a_malformed_source_in_s3_is_refused(spoiled, said):
    fields = Slices("s3://photos/l", ((0, 2),)).to_dict()

    with pytest.raises(ValueError, match=said):
        source_from_dict(fields | spoiled)
