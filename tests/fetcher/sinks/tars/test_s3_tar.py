"""Bodies as a tar in S3: every file whole, found again, and never held in memory."""

import io
import json
import threading

import pytest
from tests.support.bucket_contents import files_in, objects_in, rows_in
from tests.support.engine_jobs import run_alone
from tests.support.full_disk import no_file_larger_than
from tests.support.full_sink import fetch_while_full
from tests.support.misbehaving_origin import Origin
from tests.support.s3_proxy import WAIT_S
from tests.support.tar_sink import MB, body, fill, fill_tar, sink_for, write
from webdataset import tariterators

from fetcher.contract.source import Item
from fetcher.s3.upload import LEAST_PART
from fetcher.sinks.tars import s3_tar
from fetcher.transfer.sink import WHOLE

PNG = WHOLE._replace(content_type="image/png")
SIZES = [0, 1, 511, 512, 513, 10_000, 128_000, 300_000, 1_500_000]


def test_every_file_is_in_the_tar_whole_with_a_json_beside_it_and_found_by_the_index(
    proxy, tar, s3
):
    contents = {number: body(number, size) for number, size in enumerate(SIZES)}
    with sink_for(tar, proxy) as sink:
        for number, content in contents.items():
            item = Item(
                *(number, f"http://h/{number}.png", f"d/{number}", "AB" * 32),
                carried=f'{{"caption": "cat {number}", "width": 7}}',
            )
            if number % 2:
                path = write(sink, item, content, PNG)
            else:
                path = sink.keep(item, [content[:7], content[7:]], PNG)
        lost = sink.settle()
    kept = objects_in(s3, tar.bucket)
    raw = kept[tar.key]
    files, rows = files_in(raw), rows_in(kept["kept/r/00-00007.jsonl"])

    assert lost == {}
    assert path == str(tar)
    assert set(kept) == {"kept/r/00-00007.tar", "kept/r/00-00007.jsonl"}
    assert list(files) == [
        f"{number:09}.{ending}" for number in contents for ending in ("png", "json")
    ]
    for number, content in contents.items():
        told = {
            "url": f"http://h/{number}.png",
            "status": 200,
            "bytes": len(content),
            "content_type": "image/png",
            "destination": f"d/{number}",
            "sha256": "ab" * 32,
            "caption": f"cat {number}",
            "list_width": 7,
        }
        row = rows[number]
        assert files[f"{number:09}.png"] == content
        assert json.loads(files[f"{number:09}.json"]) == told
        assert row == told | {key: row[key] for key in ("key", "offset", "size")}
        assert files[row["key"]] == raw[row["offset"] : row["offset"] + row["size"]]


def test_webdataset_reads_the_tar(proxy, tar, s3):
    with sink_for(tar, proxy) as sink:
        for number, name in enumerate(["a.jpg", "b.json", "c.tar.gz", "d"]):
            sink.keep(Item(number, f"http://h/x.y/{name}"), [name.encode()])
        sink.settle()
    stream = io.BytesIO(objects_in(s3, tar.bucket)[tar.key])
    opened = tariterators.tar_file_expander([{"url": "t.tar", "stream": stream}])
    samples = list(tariterators.group_by_keys(opened))

    assert [sample["__key__"] for sample in samples] == [f"{n:09}" for n in range(4)]
    assert [
        sample.get(kind)
        for sample, kind in zip(samples, ["jpg", "body.json", "gz", "bin"], strict=True)
    ] == [b"a.jpg", b"b.json", b"c.tar.gz", b"d"]
    assert json.loads(samples[1]["json"])["url"] == "http://h/x.y/b.json"


@pytest.mark.usefixtures("small_parts")
def test_a_tar_larger_than_a_part_goes_up_in_parts_while_it_grows(proxy, tar, s3):
    with sink_for(tar, proxy) as sink:
        fill(sink, 9, MB)
        write(sink, Item(9, "http://h/9.jpg"), body(9, 6 * MB))
        fill(sink, 2, MB, first=10)
        lost = sink.settle()
    raw = objects_in(s3, tar.bucket)[tar.key]
    files = files_in(raw)
    rows = rows_in(objects_in(s3, tar.bucket)["kept/r/00-00007.jsonl"])
    parts = proxy.seen("UploadPart")

    assert lost == {}
    assert sorted(int(part.query["partNumber"]) for part in parts) == [1, 2, 3, 4]
    assert {f"{n:09}.jpg": body(n, 6 * MB if n == 9 else MB) for n in range(12)} == {
        name: content for name, content in files.items() if name.endswith("jpg")
    }
    assert len(rows) == 12
    for row in rows:
        assert files[row["key"]] == raw[row["offset"] : row["offset"] + row["size"]]


def test_a_shard_of_which_nothing_came_leaves_nothing(proxy, tar, s3):
    with sink_for(tar, proxy) as sink:
        writer = sink.open(Item(0, "http://h/0"))
        writer.write([b"half"])
        writer.discard()
        lost = sink.settle()

    assert lost == {}
    assert objects_in(s3, tar.bucket) == {}
    assert [asked.what for asked in proxy.asked] == ["HeadObject"]


@pytest.mark.parametrize(
    ("size", "give"),
    [
        (100_000, lambda sink, item, content: sink.keep(item, [content])),
        (140_000, write),
        (6 * MB, write),
    ],
)
def test_of_a_body_that_temporary_storage_has_no_room_for_nothing_is_in_the_tar(
    proxy, tar, s3, size, give
):
    with sink_for(tar, proxy) as sink:
        fill(sink, 2, 50_000)
        too_large = pytest.raises(OSError, match="File too large")
        with no_file_larger_than(150_000), too_large:
            give(sink, Item(2, "http://h/2.jpg"), body(2, size))
        fill(sink, 1, 50_000, first=3)
        lost = sink.settle()
    names = files_in(objects_in(s3, tar.bucket)[tar.key])

    assert lost == {}
    assert [name for name in names if name.endswith("jpg")] == [
        f"{number:09}.jpg" for number in (0, 1, 3)
    ]


def test_a_body_larger_than_a_part_can_be_is_an_error_of_the_sink(
    proxy, tar, s3, monkeypatch
):
    monkeypatch.setattr(s3_tar, "MOST_PART", 6 * MB)
    with sink_for(tar, proxy) as sink:
        fill(sink, 1)
        with pytest.raises(OSError, match="6,291,456 bytes; a part takes 6,291,456"):
            write(sink, Item(1, "http://h/1.jpg"), body(1, 6 * MB))
        lost = sink.settle()

    assert lost == {}
    assert list(files_in(objects_in(s3, tar.bucket)[tar.key])) == [
        "000000000.jpg",
        "000000000.json",
    ]


@pytest.mark.usefixtures("small_parts")
def test_nothing_more_is_begun_while_s3_takes_less_than_is_downloaded(
    proxy, tar, monkeypatch
):
    monkeypatch.setattr(s3_tar, "_FULL_BYTES", LEAST_PART)
    taken = threading.Event()
    proxy.fault = lambda asked: (
        asked.what == "UploadPart" and taken.wait(WAIT_S) and None
    )
    with Origin() as origin, sink_for(tar, proxy) as sink:
        items = [Item(n, origin.url(f"/bytes/{MB}/{n}")) for n in range(40)]
        begun, waited, ended = fetch_while_full(origin, items, sink, taken)
        lost = sink.settle()

    assert waited == begun < 40
    assert ended == 40
    assert lost == {}


HELD = """
import json, os, sys
from time import monotonic
from fetcher.process.memory import peak_rss_bytes as peak
from fetcher.s3.credentials import S3Credentials
from fetcher.s3.urls import Place
from fetcher.sinks.tars.s3_tar import S3Tar
from fetcher.contract.source import Item

url, bucket, mb = sys.argv[1], sys.argv[2], int(sys.argv[3])
pair = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
credentials = S3Credentials(*pair, "", "us-east-1", url)
sink = S3Tar(Place(bucket, "t.tar"), credentials, monotonic() + 60)
small, chunk = b"x" * 10_000, b"y" * 65_536

before = peak()
for number in range(mb * 50):
    sink.keep(Item(number, "http://h/a.jpg"), [small])
writers = [sink.open(Item(mb * 50 + n, "http://h/b.jpg")) for n in range(20)]
for _ in range(mb * 16 // 40):
    for writer in writers:
        writer.write([chunk])
for writer in writers:
    writer.commit()
lost = sink.settle()
sink.close()
print(json.dumps([len(lost), peak() - before]))
"""


def test_no_part_is_held_in_memory(proxy, bucket):
    """
    Neither the one that is filled nor those on their way: less than one in all.
    """
    ((lost, grown),) = run_alone(HELD, proxy.url, bucket, 80)

    assert lost == 0
    assert grown < s3_tar.PART_BYTES


def test_an_execution_that_kept_nothing_says_what_is_in_the_tar_of_the_one_before(
    proxy, tar
):
    """
    That one's answer was lost, and then its origin.
    """
    fill_tar(tar, proxy, 3)
    again = fill_tar(tar, proxy, 0)

    assert {number: str(end.outcome) for number, end in again.items()} == dict.fromkeys(
        range(3), "ok"
    )
