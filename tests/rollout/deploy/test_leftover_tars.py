"""What workers that died have left in S3: found, sealed, aborted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.bucket_contents import files_in, objects_in, uploads_in
from tests.support.tar_sink import MB, fill, fill_tar, outcomes, sink_for

from fetcher.contract.outcome import Outcome
from fetcher.s3.urls import Place
from fetcher.sinks.tars.s3_tar import tar_of
from rollout.deploy.leftover_tars import (
    abort_uploads,
    check_prefix_unused,
    seal_unreported,
)
from rollout.errors import DeployError

KILLED = """
import os, signal, sys
from time import monotonic, sleep
from fetcher.s3.credentials import S3Credentials
from fetcher.s3.urls import Place
from fetcher.sinks.tars import s3_tar
from fetcher.contract.source import Item

s3_tar.PART_BYTES = 5 * 2**20
keys = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
credentials = S3Credentials(*keys, "", "us-east-1", sys.argv[1])
tar = s3_tar.tar_of(Place(sys.argv[2], "kept"), "r", 0, 7)
sink = s3_tar.S3Tar(tar, credentials, monotonic() + 60)
for number in range(8):
    sink.keep(Item(number, f"http://h/{number}.jpg"), [bytes([number]) * 2**20])
while not sink._upload._sent:
    sleep(0.01)
print("one part is there", flush=True)
sleep(60)
"""


def test_a_worker_killed_amid_an_upload_leaves_nothing_visible(
    proxy, bucket, s3, target
):
    """
    The next wave completes what it was to do, and what it had sent can be aborted.
    """
    command = [sys.executable, "-c", KILLED, proxy.url, bucket]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as worker:
        message = worker.stdout.readline()
        os.kill(worker.pid, signal.SIGKILL)
    visible, begun = objects_in(s3, bucket), uploads_in(s3, bucket)
    prefix = Place(bucket, "kept")
    with sink_for(tar_of(Place(bucket, "kept"), "r", 1, 0), proxy) as sink:
        fill(sink, 8, MB)
        lost = sink.settle()
    aborted = abort_uploads(target, prefix)
    after = objects_in(s3, bucket)

    assert message == "one part is there\n"
    assert visible == {}
    assert begun == ["kept/r/00-00007.tar"]
    assert lost == {}
    assert len(files_in(after["kept/r/01-00000.tar"])) == 16
    assert aborted == [f"upload of {prefix}/r/00-00007.tar"]
    assert uploads_in(s3, bucket) == []
    assert abort_uploads(target, prefix) == []


def test_uploads_of_other_programs_are_left_alone(bucket, s3, target):
    theirs = ["kept/video.mp4", "kept/r/00-00007.tar.gz", "kept/r/1-7.tar"]
    theirs += ["kept/00-00007.tar", "kept/backups/2026-11290.tar"]
    for key in [*theirs, "elsewhere/r/00-00007.tar"]:
        s3.create_multipart_upload(Bucket=bucket, Key=key)

    assert abort_uploads(target, Place(bucket, "kept")) == []
    assert len(uploads_in(s3, bucket)) == len(theirs) + 1


def test_an_upload_that_ends_meanwhile_need_not_be_aborted(bucket, s3, target):
    begun = s3.create_multipart_upload(Bucket=bucket, Key="kept/r/00-00007.tar")
    worker = target.client_for_threads("s3", 1)

    def end(**_):
        named = {name: begun[name] for name in ("Bucket", "Key", "UploadId")}
        worker.abort_multipart_upload(**named)

    s3.meta.events.register_last("after-call.s3.ListMultipartUploads", end)
    try:
        aborted = abort_uploads(target, Place(bucket, "kept"))
    finally:
        s3.meta.events.unregister("after-call.s3.ListMultipartUploads", end)

    assert aborted == []
    assert uploads_in(s3, bucket) == []


def test_a_shard_whose_report_was_lost_keeps_nothing(proxy, tar, s3, target):
    fill_tar(tar, proxy, 3)
    kept = Place(tar.bucket, "kept")
    sealed = seal_unreported(target, kept, "r", {(0, 7), (0, 8)}, reported={(0, 7)})
    before = objects_in(s3, tar.bucket)
    sealed_then = seal_unreported(target, kept, "r", set(), reported={(0, 8)})
    after = objects_in(s3, tar.bucket)

    assert sealed == {(0, 8)}
    assert len(files_in(before[tar.key])) == 6
    assert sealed_then == {(0, 7)}
    assert files_in(after[tar.key]) == {}
    assert set(after) == {tar.key, "kept/r/00-00008.tar"}


def test_an_execution_whose_urls_were_dealt_again_keeps_nothing_any_more(
    proxy, tar, s3, target
):
    """It was given up, but it was still at work."""
    with sink_for(tar, proxy) as sink:
        fill(sink, 3)
        seal_unreported(target, Place(tar.bucket, "kept"), "r", {(0, 7)}, set())
        lost = sink.settle()

    assert outcomes(lost) == dict.fromkeys(range(3), Outcome.UNSTARTED)
    assert files_in(objects_in(s3, tar.bucket)[tar.key]) == {}


def test_tars_deeper_down_are_another_runs(bucket, s3, target):
    s3.put_object(Bucket=bucket, Key="kept/r/deeper/00-00001.tar", Body=b"")
    check_prefix_unused(target, Place(bucket, "kept"), "r")

    with pytest.raises(DeployError, match="another run called r/deeper"):
        check_prefix_unused(target, Place(bucket, "kept"), "r/deeper")
    assert seal_unreported(target, Place(bucket, "kept"), "r", set(), set()) == set()


def test_a_bucket_that_is_gone_holds_nothing_that_was_begun(target):
    assert abort_uploads(target, Place("no-such-bucket", "")) == []


def test_what_s3_refuses_is_said(target):
    with pytest.raises(
        DeployError, match=r"s3://no-such-bucket/a cannot be removed.*NoSuchBucket"
    ):
        seal_unreported(target, Place("no-such-bucket", "a"), "r", {(0, 0)}, set())
