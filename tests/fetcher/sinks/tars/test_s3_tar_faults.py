"""A tar in S3, while S3 fails or another execution writes it, too: safe, or told of."""

import threading
from time import monotonic

import pytest
from tests.support.bucket_contents import files_in, objects_in, rows_in, uploads_in
from tests.support.engine_jobs import SOON_S
from tests.support.s3_proxy import (
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
from tests.support.tar_sink import MB, fill, fill_tar, outcomes, sink_for
from tests.support.waiting import eventually

from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.s3 import upload

FULL = 5  # bodies of a MB make a part leave; whoever comes after may hear how it fared


def each_once(fault):
    """Return what fails the first request of every kind."""
    failed = set()
    return lambda asked: (
        None if asked.what in failed else failed.add(asked.what) or fault
    )


@pytest.mark.parametrize("fault", [SLOW_DOWN, INTERNAL, HANG_UP, ERROR_IN_200])
@pytest.mark.usefixtures("small_parts")
def test_what_s3_is_too_busy_for_it_is_asked_again(proxy, tar, s3, fault):
    proxy.fault = each_once(fault)
    if fault == ERROR_IN_200:  # it begins to answer before an object is put together
        proxy.fault = once("CompleteMultipartUpload", fault)
    lost = fill_tar(tar, proxy, 6, MB)

    assert lost == {}
    assert len(proxy.seen("CompleteMultipartUpload")) == 2
    assert len(files_in(objects_in(s3, tar.bucket)[tar.key])) == 12
    assert f"{tar.key[:-4]}.jsonl" in objects_in(s3, tar.bucket)


@pytest.mark.parametrize(
    ("many", "what"), [(6, "CompleteMultipartUpload"), (1, "PutObject")]
)
@pytest.mark.usefixtures("small_parts")
def test_a_tar_whose_last_answer_was_lost_is_known_to_be_ours(proxy, tar, many, what):
    proxy.fault = once(what, LOSE_ANSWER)
    lost = fill_tar(tar, proxy, many, MB)

    assert lost == {}
    assert len(proxy.seen(what)) >= 2


@pytest.mark.parametrize(
    ("many", "what"),
    [
        (FULL, "CreateMultipartUpload"),
        (FULL, "UploadPart"),
        (FULL, "CompleteMultipartUpload"),
        (1, "PutObject"),
    ],
)
@pytest.mark.usefixtures("small_parts")
def test_if_a_tar_cannot_be_completed_all_of_it_is_lost_and_nothing_is_left(
    proxy, tar, s3, many, what
):
    proxy.fault = always(what, DENIED)
    lost = fill_tar(tar, proxy, many, MB)

    assert outcomes(lost) == dict.fromkeys(range(many), Outcome.SINK)
    assert "could not keep the tar at s3://" in lost[0].detail
    assert "S3 answered 403 AccessDenied: because" in lost[0].detail
    assert objects_in(s3, tar.bucket) == {}
    assert uploads_in(s3, tar.bucket) == []


@pytest.mark.usefixtures("small_parts")
def test_once_an_upload_has_failed_nothing_more_is_taken_in(proxy, tar):
    proxy.fault = always("UploadPart", DENIED)
    with sink_for(tar, proxy) as sink:
        fill(sink, FULL, MB)
        eventually(lambda: sink._upload.failure)

        with pytest.raises(OSError, match="AccessDenied"):
            fill(sink, 1)
        with pytest.raises(OSError, match="AccessDenied"):
            sink.open(Item(9, "http://h/9"))


@pytest.mark.parametrize(("many", "what"), [(FULL, "UploadPart"), (1, "PutObject")])
@pytest.mark.usefixtures("small_parts")
def test_what_is_not_safe_at_the_deadline_is_to_be_fetched_again(
    proxy, tar, s3, many, what, monkeypatch
):
    """
    It is unstarted, not lost for good: the next wave will see to it.
    """
    monkeypatch.setattr(upload, "_LAST_LOOK_S", WAIT_S)
    over = threading.Event()
    proxy.fault = lambda asked: (
        over.wait(WAIT_S) and HANG_UP if asked.what == what else None
    )
    with sink_for(tar, proxy) as sink:
        fill(sink, many, MB)
        if many == FULL:
            eventually(lambda: proxy.seen(what))
        began = monotonic()
        sink._until = began + 0.6
        lost = sink.settle()
    took_s = monotonic() - began
    over.set()

    assert outcomes(lost) == dict.fromkeys(range(many), Outcome.UNSTARTED)
    assert "deadline" in lost[0].detail
    assert objects_in(s3, tar.bucket) == {}
    assert uploads_in(s3, tar.bucket) == []
    assert took_s < SOON_S


def test_a_tar_is_safe_even_if_its_index_cannot_be_written(proxy, tar, s3, caplog):
    proxy.fault = lambda asked: DENIED if asked.path.endswith(".jsonl") else None
    lost = fill_tar(tar, proxy, 3)

    assert lost == {}
    assert list(objects_in(s3, tar.bucket)) == [tar.key]
    assert "There is no index beside s3://" in caplog.text


def test_a_shard_run_twice_leaves_one_tar_and_says_what_is_in_it(proxy, tar, s3):
    first = fill_tar(tar, proxy, 3)
    before = objects_in(s3, tar.bucket)
    second = fill_tar(tar, proxy, 3, first=1)

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
        answers.append((first, outcomes(fill_tar(tar, proxy, 6, MB, first))))

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
    monkeypatch.setattr(upload, "_AT_ONCE_S", 1.5)
    other = tar._replace(key="kept/r/00-00008.tar")
    fill_tar(other, proxy, 2)
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
    lost = fill_tar(tar, proxy, 2, first=1)
    expected = {1: Outcome.OK if is_there else Outcome.UNSTARTED, 2: Outcome.UNSTARTED}

    assert outcomes(lost) == expected | ({0: Outcome.OK} if is_there else {})


@pytest.mark.parametrize("size", [10, 5 * MB])
def test_a_tar_without_an_index_says_itself_what_is_in_it(proxy, tar, s3, size):
    """
    Whoever wrote it may have been killed before it could write the index.
    """
    fill_tar(tar, proxy, 3, size)
    s3.delete_object(Bucket=tar.bucket, Key="kept/r/00-00007.jsonl")
    lost = fill_tar(tar, proxy, 1, first=9)

    assert outcomes(lost) == dict.fromkeys(range(3), Outcome.OK) | {
        9: Outcome.UNSTARTED
    }
    assert {ending.body_bytes for n, ending in lost.items() if n != 9} == {size}
