"""A shard that two executions make a tar of: there is one, and it is told of."""

import threading

import pytest
from tests.support.bucket_contents import files_in, objects_in, rows_in, uploads_in
from tests.support.s3_proxy import WAIT_S
from tests.support.tar_sink import MB, fill_tar, outcomes

from fetcher.contract.outcome import Outcome
from fetcher.s3 import upload


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
