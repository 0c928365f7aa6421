"""`rollout origin`: files to download in S3, put there, fetched, removed."""

import io
import shlex
import signal
import subprocess
import sys
import threading
from collections import Counter

import pandas as pd
import pytest
from PIL import Image
from tests.support.aws_target import policies_of
from tests.support.bucket_contents import objects_in
from tests.support.notebook_cells import run_cells
from tests.support.s3_origin_buckets import (
    BUCKETS,
    FILES,
    FUNCTION,
    KEPT,
    SIZE,
    TEMPLATE,
)
from tests.support.s3_proxy import SLOW_DOWN, WAIT_S

from experiment.command.arguments import read
from experiment.ledger.run_folder import read_run
from origin.picture import jpeg
from rollout.__main__ import main
from rollout.target.connection import connect
from rollout.target.runtime_platform import machine


def is_copy(asked):
    return "x-amz-copy-source" in asked.headers


def in_lab(s3):
    return {
        f"s3://{name}/{key}": body
        for name in BUCKETS
        for key, body in objects_in(s3, name).items()
    }


@pytest.mark.usefixtures("aws")
def test_pictures_are_put_fetched_with_the_functions_role_and_removed(
    lab, capsys, tmp_path
):
    """On the target `aws`, with no more than the permissions that README grants."""
    files, picture = 64, jpeg(3_000)
    command = ["--target", "aws", TEMPLATE, "--files", str(files)]
    assert main(["origin", "put", *command, "--file-kb", "3"]) == 0
    output = capsys.readouterr()
    there = in_lab(lab)
    assert "64 of 64 objects written\n" in output.err
    assert there == {
        f"s3://{BUCKETS[n % 2]}/origin/{n % 8}/{n}.jpg": picture for n in range(files)
    }
    Image.open(io.BytesIO(picture)).load()

    _, parameters = read(["20_fan_out", *shlex.split(output.out.splitlines()[-1])])
    parameters |= {
        "allow_private": True,  # where S3 is, here
        "function": FUNCTION,
        "architecture": machine().architecture,
        "sink": "s3-objects",
        "sink_path": f"s3://{KEPT}/files",
        "run_folder": str(tmp_path / "run"),
        "tear_down": False,
    }
    variables = run_cells("20_fan_out", parameters)
    totals = read_run(tmp_path / "run")["totals"]
    assert (totals["counts"]["ok"], totals["body_bytes"]) == (files, files * 3_000)
    assert Counter(objects_in(lab, KEPT).values()) == {picture: files}
    downloads = pd.read_parquet(tmp_path / "run" / "downloads.parquet")
    assert set(downloads["url"]) == there.keys()
    items = {item.what: item.amount for item in variables["spent"].bill.items}
    assert items["reads from S3"] == files
    objects, _ = policies_of(connect("aws"), FUNCTION)["read-sources"]
    arns = [f"arn:aws:s3:::{name}/origin/*" for name in BUCKETS]
    assert (objects["Action"], objects["Resource"]) == (["s3:GetObject"], arns)

    assert main(["origin", "remove", *command]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "removed 64 objects"
    assert in_lab(lab) == {}


@pytest.mark.usefixtures("lab")
def test_one_picture_is_sent_to_each_bucket(origin, proxy):
    """All others S3 copies: 1,700 GB would take a home's line a week."""
    status, _, _ = origin("put", *SIZE, TEMPLATE, at=proxy.url)
    writes = [asked for asked in proxy.asked if asked.method == "PUT"]

    assert status == 0
    assert sorted(asked.path.split("/")[1] for asked in writes if asked.body) == [
        *BUCKETS
    ]
    assert Counter(map(is_copy, writes)) == {False: 2, True: FILES - 2}


def test_what_s3_turns_away_is_asked_again(origin, lab, proxy):
    left = [SLOW_DOWN] * 3
    proxy.fault = lambda asked: left.pop() if is_copy(asked) and left else None
    status, _, _ = origin("put", "--files", 8, "--file-kb", 3, TEMPLATE, at=proxy.url)

    assert (status, left) == (0, [])
    assert len(in_lab(lab)) == 8


def test_what_was_interrupted_is_completed_by_putting_again(origin, lab, proxy):
    """
    S3 is slow to answer when Ctrl-C comes: what was asked for by then is waited for.
    """
    size = ("--files", "120", "--file-kb", "3")
    going_on, was_interrupted = threading.Event(), threading.Event()

    def fault(asked):
        if is_copy(asked) and len(proxy.asked) > 35:
            going_on.set()
            assert was_interrupted.wait(WAIT_S)

    proxy.fault = fault
    words = ("put", "--endpoint-url", proxy.url, *size, TEMPLATE)
    command = [sys.executable, "-m", "rollout", "origin", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert going_on.wait(WAIT_S)
            process.send_signal(signal.SIGINT)
            was_interrupted.set()
            _, output = process.communicate(timeout=WAIT_S)
        finally:
            process.kill()
    before = len(in_lab(lab))

    assert process.returncode == 130
    assert "objects written; repeat the command to complete it" in output
    assert 25 < before < 120
    assert origin("put", *size, TEMPLATE)[0] == 0
    assert Counter(in_lab(lab).values()) == {jpeg(3_000): 120}


def test_another_size_replaces_every_object(origin, lab):
    for file_kb in (3, 4):
        origin("put", "--files", FILES, "--file-kb", file_kb, TEMPLATE)

    assert Counter(in_lab(lab).values()) == {jpeg(4_000): FILES}


def test_only_what_the_template_names_is_removed(origin, lab):
    lab.put_object(Bucket=BUCKETS[0], Key="origin/mine.jpg", Body=b"x")
    origin("put", *SIZE, TEMPLATE)
    status, out, err = origin("remove", "--files", FILES, TEMPLATE)

    assert (status, out) == (0, f"removed {FILES} objects\n")
    assert f"{FILES} of {FILES} objects removed" in err
    assert list(in_lab(lab)) == [f"s3://{BUCKETS[0]}/origin/mine.jpg"]


@pytest.mark.usefixtures("lab")
def test_an_object_that_s3_keeps_is_named(gate, capsys):
    error = "<Key>origin/0/8.jpg</Key><Code>InternalError</Code><Message>.</Message>"
    answer = f"<DeleteResult><Error>{error}</Error></DeleteResult>"
    gate.answers["DeleteObject"] = (200, answer)
    status = main(["origin", "remove", "--target", "aws", "--files", "9", TEMPLATE])

    assert status == 2
    assert f"remove origin/0/8.jpg from {BUCKETS[0]}: Int" in capsys.readouterr().err


@pytest.mark.usefixtures("lab")
def test_a_thousand_keys_go_into_one_call(origin, proxy):
    status, _, _ = origin("remove", "--files", 4_001, TEMPLATE, at=proxy.url)
    calls = [
        asked.body.count(b"<Key>") for asked in proxy.asked if asked.method == "POST"
    ]

    assert status == 0
    assert sorted(calls)[-4:] == [1_000] * 4
    assert sum(calls) >= 4_001
