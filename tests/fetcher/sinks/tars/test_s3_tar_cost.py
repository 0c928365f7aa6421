"""What a file costs that goes into a tar in S3, beside one that becomes a file."""

import json
import shutil
import tarfile
import uuid

import pytest
from tests.support.engine_jobs import run_alone

from origin.nginx import Nginx, is_installed
from origin.temporary_folders import memory_folder

COST = """
import json, os, sys, tempfile
from pathlib import Path
from time import monotonic, process_time
from fetcher.transfer.scheduler import Scheduler as Job, engine_for
from fetcher.contract.download_results import Downloads
from fetcher.contract.options import Options
from fetcher.s3.credentials import S3Credentials
from fetcher.s3.urls import Place
from fetcher.sinks.directory import Directory
from fetcher.sinks.tars.s3_tar import S3Tar
from fetcher.contract.template_source import Template

kind, many, url, s3_url, bucket, folder = sys.argv[1:]
many, tempfile.tempdir = int(many), folder
options, downloads = Options(allow_private=True), Downloads(int(many))
engine = engine_for(options)
until, began = monotonic() + 600, process_time()
keys = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
credentials = S3Credentials(*keys, "", "us-east-1", s3_url)
sink = {
    "directory": lambda: Directory(Path(folder, "kept")),
    "s3-tar": lambda: S3Tar(Place(bucket, "t.tar"), credentials, until),
}[kind]()
def account_for(index, _, download):
    downloads[index] = download
Job(Template(url, ((0, many),)), sink, options, account_for).run(engine, 600)
lost = sink.settle()
sink.close()
spent = process_time() - began
print(json.dumps([len(lost), downloads.tally().ok, spent / many * 1e6]))
"""


def check_cost(endpoint, s3, many, rounds):
    """
    Return microseconds of CPU a file by sink, the least of some interleaved rounds.

    All of them write to memory, for what a disk takes says more about the disk.
    """
    spent = {"directory": [], "s3-tar": []}
    room = 2 * many * 12_000
    with Nginx([10_000]) as origin, memory_folder("cost-", room) as memory:
        for _ in range(rounds):
            for kind, costs in spent.items():
                bucket = f"cost-{uuid.uuid4().hex[:12]}"
                s3.create_bucket(Bucket=bucket)
                folder = memory / bucket
                folder.mkdir()
                where = (origin.template(10_000), endpoint.endpoint_url, bucket, folder)
                ((lost, ok, cost),) = run_alone(COST, kind, many, *where, within_s=300)
                shutil.rmtree(folder)
                assert (lost, ok) == (0, many)
                costs.append(cost)
    check_whole(s3, bucket, many)
    return {kind: min(costs) for kind, costs in spent.items()}


def check_whole(s3, bucket, many):
    """
    Read the tar as it comes: every file whole, and where the index says.
    """
    stored = s3.get_object(Bucket=bucket, Key="t.jsonl")["Body"]
    rows = (json.loads(line) for line in stored.iter_lines())
    stream = s3.get_object(Bucket=bucket, Key="t.tar")["Body"]
    numbers, bodies = set(), set()
    with tarfile.open(fileobj=stream, mode="r|") as opened:
        for member in opened:
            if member.name.endswith("json"):
                continue
            row = next(rows)
            found = row["key"], row["offset"], row["size"]
            assert found == (member.name, member.offset_data, member.size)
            bodies.add(opened.extractfile(member).read())
            numbers.add(int(member.name[:9]))
            opened.members.clear()

    assert next(rows, None) is None
    assert numbers == set(range(many))
    assert {len(content) for content in bodies} == {10_000}
    assert len(bodies) == 1


@pytest.mark.skipif(not is_installed(), reason="nginx is not installed")
@pytest.mark.parametrize(
    ("many", "rounds"), [(3_000, 1), pytest.param(100_000, 3, marks=pytest.mark.soak)]
)
def test_files_are_kept_whole_and_many_cost_1_3_times_the_directory_s_cpu_at_most(
    endpoint, s3, many, rounds
):
    cost = check_cost(endpoint, s3, many, rounds)
    if rounds > 1:
        shown = {kind: round(us, 1) for kind, us in cost.items()}
        print("\nCPU a file of 10 kB, µs:", shown)

        assert cost["s3-tar"] <= 1.3 * cost["directory"]
