"""Bodies as a tar in S3: all of it or nothing, once, and every file found again."""

import io
import json
import resource
import threading
from time import monotonic, sleep

import pytest
from tests.in_bucket import files_in, objects_in, rows_in, uploads_in
from tests.jobs import run_alone
from tests.misbehaving_origin import Origin
from tests.s3_proxy import (
    DENIED,
    ERROR_IN_200,
    HANG_UP,
    INTERNAL,
    LOSE_ANSWER,
    SLOW_DOWN,
    WAIT_S,
    always,
    once,
)
from tests.tar_sink import MB, body, fill, outcomes, sink_for, wait_for, write
from webdataset import tariterators

from fetcher import s3_upload
from fetcher.download import Job, engine_for
from fetcher.options import Options
from fetcher.outcome import Outcome
from fetcher.s3_upload import LEAST_PART
from fetcher.sinks import s3_tar
from fetcher.source import Item

SIZES = [0, 1, 511, 512, 513, 10_000, 128_000, 300_000, 1_500_000]


def test_every_file_is_in_the_tar_whole_with_a_json_beside_it_and_found_by_the_index(
    proxy, tar, s3
):
    contents = {number: body(number, size) for number, size in enumerate(SIZES)}
    with sink_for(tar, proxy) as sink:
        for number, content in contents.items():
            item = Item(number, f"http://h/{number}.png", f"d/{number}", "AB" * 32)
            if number % 2:
                path = write(sink, item, content, "image/png")
            else:
                path = sink.keep(item, [content[:7], content[7:]], "image/png")
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
    files, rows = (
        files_in(raw),
        rows_in(objects_in(s3, tar.bucket)["kept/r/00-00007.jsonl"]),
    )
    parts = proxy.seen("UploadPart")

    assert lost == {}
    assert sorted(int(part.query["partNumber"]) for part in parts) == [1, 2, 3, 4]
    assert {f"{n:09}.jpg": body(n, 6 * MB if n == 9 else MB) for n in range(12)} == {
        name: content for name, content in files.items() if name.endswith("jpg")
    }
    assert len(rows) == 12
    for row in rows:
        assert files[row["key"]] == raw[row["offset"] : row["offset"] + row["size"]]


@pytest.mark.parametrize("fault", [SLOW_DOWN, INTERNAL, HANG_UP])
@pytest.mark.parametrize(
    "what",
    ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"],
)
@pytest.mark.usefixtures("small_parts")
def test_what_s3_is_too_busy_for_it_is_asked_again(proxy, tar, s3, what, fault):
    proxy.fault = once(what, fault)
    with sink_for(tar, proxy) as sink:
        fill(sink, 6, MB)
        lost = sink.settle()

    assert lost == {}
    assert len(files_in(objects_in(s3, tar.bucket)[tar.key])) == 12
    assert f"{tar.key[:-4]}.jsonl" in objects_in(s3, tar.bucket)


@pytest.mark.usefixtures("small_parts")
def test_an_error_that_comes_as_a_success_is_one(proxy, tar, s3):
    """
    S3 begins to answer before it has put an object together.
    """
    proxy.fault = once("CompleteMultipartUpload", ERROR_IN_200)
    with sink_for(tar, proxy) as sink:
        fill(sink, 6, MB)
        lost = sink.settle()

    assert lost == {}
    assert len(proxy.seen("CompleteMultipartUpload")) == 2
    assert tar.key in objects_in(s3, tar.bucket)


@pytest.mark.parametrize(
    ("many", "what"), [(6, "CompleteMultipartUpload"), (1, "PutObject")]
)
@pytest.mark.usefixtures("small_parts")
def test_a_tar_whose_last_answer_was_lost_is_known_to_be_ours(proxy, tar, many, what):
    proxy.fault = once(what, LOSE_ANSWER)
    with sink_for(tar, proxy) as sink:
        fill(sink, many, MB)
        lost = sink.settle()

    assert lost == {}
    assert len(proxy.seen(what)) >= 2


@pytest.mark.parametrize(
    ("many", "what"),
    [
        (6, "CreateMultipartUpload"),
        (6, "UploadPart"),
        (6, "CompleteMultipartUpload"),
        (1, "PutObject"),
    ],
)
@pytest.mark.usefixtures("small_parts")
def test_if_a_tar_cannot_be_completed_all_of_it_is_lost_and_nothing_is_left(
    proxy, tar, s3, many, what
):
    proxy.fault = always(what, DENIED)
    with sink_for(tar, proxy) as sink:
        fill(sink, many, MB)
        lost = sink.settle()

    assert outcomes(lost) == dict.fromkeys(range(many), Outcome.SINK)
    assert "could not keep the tar at s3://" in lost[0].detail
    assert "S3 answered 403 AccessDenied: because" in lost[0].detail
    assert objects_in(s3, tar.bucket) == {}
    assert uploads_in(s3, tar.bucket) == []


@pytest.mark.usefixtures("small_parts")
def test_once_an_upload_has_failed_nothing_more_is_taken_in(proxy, tar):
    proxy.fault = always("UploadPart", DENIED)
    with sink_for(tar, proxy) as sink:
        fill(sink, 6, MB)
        wait_for(lambda: sink._upload.failure)

        with pytest.raises(OSError, match="AccessDenied"):
            fill(sink, 1)
        with pytest.raises(OSError, match="AccessDenied"):
            sink.open(Item(9, "http://h/9"))


@pytest.mark.parametrize(("many", "what"), [(6, "UploadPart"), (1, "PutObject")])
@pytest.mark.usefixtures("small_parts")
def test_what_is_not_safe_at_the_deadline_is_to_be_fetched_again(
    proxy, tar, s3, many, what
):
    """
    It is unstarted, not lost for good: the next wave will see to it.
    """
    over = threading.Event()
    proxy.fault = lambda asked: (
        over.wait(WAIT_S) and HANG_UP if asked.what == what else None
    )
    began = monotonic()
    with sink_for(tar, proxy, left_s=0.6) as sink:
        fill(sink, many, MB)
        lost = sink.settle()
    took_s = monotonic() - began
    over.set()

    assert outcomes(lost) == dict.fromkeys(range(many), Outcome.UNSTARTED)
    assert "deadline" in lost[0].detail
    assert objects_in(s3, tar.bucket) == {}
    assert uploads_in(s3, tar.bucket) == []
    assert took_s < 5


def test_a_shard_run_twice_leaves_one_tar_and_says_what_is_in_it(proxy, tar, s3):
    with sink_for(tar, proxy) as sink:
        fill(sink, 3)
        first = sink.settle()
    before = objects_in(s3, tar.bucket)
    with sink_for(tar, proxy) as sink:
        fill(sink, 3, first=1)
        second = sink.settle()

    assert first == {}
    assert outcomes(second) == {
        0: Outcome.OK,
        1: Outcome.OK,
        2: Outcome.OK,
        3: Outcome.UNSTARTED,
    }
    assert second[0].body_bytes == 10_000
    assert "another execution of this shard finished first" in second[3].detail
    assert objects_in(s3, tar.bucket) == before
    assert uploads_in(s3, tar.bucket) == []


@pytest.mark.usefixtures("small_parts")
def test_of_two_executions_that_finish_a_shard_at_once_one_keeps_it(proxy, tar, s3):
    together = threading.Barrier(2, timeout=WAIT_S)
    proxy.fault = lambda asked: (
        asked.what == "CompleteMultipartUpload" and together.wait() and None
    )
    answers = []

    def run(first):
        with sink_for(tar, proxy) as sink:
            fill(sink, 6, MB, first=first)
            answers.append((first, outcomes(sink.settle())))

    threads = [threading.Thread(target=run, args=(first,)) for first in (0, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    (winner, nothing), (loser, settled) = sorted(answers, key=lambda one: len(one[1]))
    kept = objects_in(s3, tar.bucket)
    bodies = [name for name in files_in(kept[tar.key]) if name.endswith("jpg")]
    numbers = {int(row["key"][:9]) for row in rows_in(kept["kept/r/00-00007.jsonl"])}

    assert nothing == {}
    assert bodies == [f"{number:09}.jpg" for number in range(winner, winner + 6)]
    assert numbers == set(range(winner, winner + 6))
    assert {n for n, outcome in settled.items() if outcome is Outcome.OK} == numbers
    assert {n for n, outcome in settled.items() if outcome is Outcome.UNSTARTED} == (
        set(range(loser, loser + 6)) - numbers
    )
    assert uploads_in(s3, tar.bucket) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_if_two_finish_at_once_the_other_is_waited_for_a_little(
    proxy, tar, s3, monkeypatch, is_there
):
    """
    AWS: a conditional write may fail with 409 before the other one is visible.
    """
    monkeypatch.setattr(s3_upload, "_AT_ONCE_S", 1.5)
    other = tar._replace(key="kept/r/00-00008.tar")
    with sink_for(other, proxy) as sink:
        fill(sink, 2)
        sink.settle()
    theirs = objects_in(s3, tar.bucket)

    def becomes_visible(asked):
        if asked.what == "PutObject":
            return 409, "ConditionalRequestConflict"
        if asked.what == "HeadObject" and is_there and len(proxy.seen(asked.what)) == 2:
            for key in theirs:
                name = key.replace("00008", "00007")
                s3.put_object(Bucket=tar.bucket, Key=name, Body=theirs[key])
        return None

    proxy.fault = becomes_visible
    with sink_for(tar, proxy) as sink:
        fill(sink, 2, first=1)
        lost = sink.settle()
    expected = {1: Outcome.OK if is_there else Outcome.UNSTARTED, 2: Outcome.UNSTARTED}

    assert outcomes(lost) == expected | ({0: Outcome.OK} if is_there else {})


@pytest.mark.parametrize("size", [10, 5 * MB])
def test_a_tar_without_an_index_says_itself_what_is_in_it(proxy, tar, s3, size):
    """
    Whoever wrote it may have been killed before it could write the index.
    """
    with sink_for(tar, proxy) as sink:
        fill(sink, 3, size)
        sink.settle()
    s3.delete_object(Bucket=tar.bucket, Key="kept/r/00-00007.jsonl")
    with sink_for(tar, proxy) as sink:
        fill(sink, 1, first=9)
        lost = sink.settle()

    assert outcomes(lost) == dict.fromkeys(range(3), Outcome.OK) | {
        9: Outcome.UNSTARTED
    }
    assert {ending.body_bytes for n, ending in lost.items() if n != 9} == {size}


def test_a_tar_is_safe_even_if_its_index_cannot_be_written(proxy, tar, s3, caplog):
    proxy.fault = lambda asked: DENIED if asked.path.endswith(".jsonl") else None
    with sink_for(tar, proxy) as sink:
        fill(sink, 3)
        lost = sink.settle()

    assert lost == {}
    assert list(objects_in(s3, tar.bucket)) == [tar.key]
    assert "There is no index beside s3://" in caplog.text


def test_a_shard_of_which_nothing_came_leaves_nothing(proxy, tar, s3):
    with sink_for(tar, proxy) as sink:
        writer = sink.open(Item(0, "http://h/0"))
        writer.write([b"half"])
        writer.discard()
        lost = sink.settle()

    assert lost == {}
    assert objects_in(s3, tar.bucket) == {}
    assert proxy.asked == []


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
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with sink_for(tar, proxy) as sink:
        fill(sink, 2, 50_000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
        try:
            with pytest.raises(OSError, match="File too large"):
                give(sink, Item(2, "http://h/2.jpg"), body(2, size))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
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
        ended = []
        options = Options(allow_private=True, connections=4)
        job = Job(items, sink, options, lambda *one: ended.append(one))
        run = threading.Thread(target=job.run, args=(engine_for(options), WAIT_S))
        run.start()
        wait_for(lambda: sink.is_full and not job._in_flight)
        begun = len(origin.requests)
        sleep(0.3)
        waited = len(origin.requests)
        taken.set()
        run.join(WAIT_S)
        lost = sink.settle()

    assert waited == begun < 40
    assert len(ended) == 40
    assert lost == {}


HELD = """
import json, sys
from time import monotonic
from fetcher.memory import peak_rss_bytes as peak
from fetcher.s3_account import Account
from fetcher.s3_urls import Place
from fetcher.sinks.s3_tar import S3Tar
from fetcher.source import Item

url, bucket, mb = sys.argv[1], sys.argv[2], int(sys.argv[3])
account = Account("local", "local", "local", "us-east-1", url)
sink = S3Tar(Place(bucket, "t.tar"), account, monotonic() + 60)
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
