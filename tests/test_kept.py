"""What workers that died have left in S3: found, sealed, aborted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.in_bucket import files_in, objects_in, uploads_in
from tests.tar_sink import MB, fill, outcomes, sink_for

from fetcher.outcome import Outcome
from fetcher.s3.urls import Place
from fetcher.sinks.s3_tar import tar_of
from rollout.errors import DeployError
from rollout.kept import abort_uploads, kept_by

KILLED = """
import os, signal, sys
from time import monotonic, sleep
from fetcher.s3.account import Account
from fetcher.s3.urls import Place
from fetcher.sinks import s3_tar
from fetcher.source import Item

s3_tar.PART_BYTES = 5 * 2**20
account = Account("local", "local", "local", "us-east-1", sys.argv[1])
tar = s3_tar.tar_of(Place(sys.argv[2], "kept"), "r", 0, 7)
sink = s3_tar.S3Tar(tar, account, monotonic() + 60)
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
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as worker:
        said = worker.stdout.readline()
        os.kill(worker.pid, signal.SIGKILL)
    visible, begun = objects_in(s3, bucket), uploads_in(s3, bucket)
    prefix = f"s3://{bucket}/kept"
    kept_of_the_first = kept_by(target, prefix, "r", 0, 7)
    with sink_for(tar_of(Place(bucket, "kept"), "r", 1, 0), proxy) as sink:
        fill(sink, 8, MB)
        lost = sink.settle()
    aborted = abort_uploads(target, prefix)
    after = objects_in(s3, bucket)

    assert said == "one part is there\n"
    assert visible == {}
    assert begun == ["kept/r/00-00007.tar"]
    assert kept_of_the_first == {}
    assert lost == {}
    assert len(files_in(after["kept/r/01-00000.tar"])) == 16
    assert aborted == [f"upload of {prefix}/r/00-00007.tar"]
    assert uploads_in(s3, bucket) == []
    assert abort_uploads(target, prefix) == []


@pytest.mark.parametrize("has_index", [True, False])
def test_what_a_shard_kept_is_found_though_its_report_was_lost(
    proxy, tar, s3, target, has_index
):
    with sink_for(tar, proxy) as sink:
        fill(sink, 3)
        sink.settle()
    if not has_index:
        s3.delete_object(Bucket=tar.bucket, Key="kept/r/00-00007.jsonl")

    assert kept_by(target, f"s3://{tar.bucket}/kept", "r", 0, 7) == dict.fromkeys(
        range(3), 10_000
    )


def test_an_execution_whose_urls_were_dealt_again_keeps_nothing_any_more(
    proxy, tar, s3, target
):
    """
    It was given up, but it was still at work.
    """
    with sink_for(tar, proxy) as sink:
        fill(sink, 3)
        kept = kept_by(target, f"s3://{tar.bucket}/kept", "r", 0, 7)
        lost = sink.settle()

    assert kept == {}
    assert outcomes(lost) == dict.fromkeys(range(3), Outcome.UNSTARTED)
    assert files_in(objects_in(s3, tar.bucket)[tar.key]) == {}


def test_what_s3_refuses_is_said(target):
    with pytest.raises(
        DeployError, match=r"s3://no-such-bucket cannot be seen to: .*NoSuch"
    ):
        kept_by(target, "s3://no-such-bucket", "r", 0, 0)
    with pytest.raises(
        DeployError, match=r"s3://no-such-bucket cannot be seen to: .*NoSuch"
    ):
        abort_uploads(target, "s3://no-such-bucket")
