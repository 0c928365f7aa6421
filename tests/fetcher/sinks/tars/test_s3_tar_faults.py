"""A tar in S3 while S3 is busy, refuses or is silent: all of it is safe, or none."""

import threading
from time import monotonic

import pytest
from tests.support.bucket_contents import files_in, objects_in, uploads_in
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
    lost = fill_tar(tar, proxy, many, MB, left_s=0.6)
    took_s = monotonic() - began
    over.set()

    assert outcomes(lost) == dict.fromkeys(range(many), Outcome.UNSTARTED)
    assert "deadline" in lost[0].detail
    assert objects_in(s3, tar.bucket) == {}
    assert uploads_in(s3, tar.bucket) == []
    assert took_s < 5


def test_a_tar_is_safe_even_if_its_index_cannot_be_written(proxy, tar, s3, caplog):
    proxy.fault = lambda asked: DENIED if asked.path.endswith(".jsonl") else None
    lost = fill_tar(tar, proxy, 3)

    assert lost == {}
    assert list(objects_in(s3, tar.bucket)) == [tar.key]
    assert "There is no index beside s3://" in caplog.text
