"""Lists in S3, of which an execution reads what it needs."""

import gzip
import json
import threading
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.handled import Context, invoke
from tests.in_bucket import objects_in, put
from tests.s3_proxy import WAIT_S

from fetcher import handler
from fetcher.options import Options, SinkSpec
from fetcher.outcome import Outcome
from fetcher.s3.slices import Slices, pack_rows
from fetcher.shard import Report, Shard
from fetcher.source import Item, numbers_in, ranges_of, source_from_dict
from rollout.slices import read, remove, slice_up

pytestmark = pytest.mark.usefixtures("s3_environment")

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
