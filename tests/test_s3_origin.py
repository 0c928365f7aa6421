"""`rollout origin`: files to download in S3, put there, fetched, removed."""

import io
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections import Counter

import pytest
from PIL import Image
from tests import wheelhouse
from tests.aws_target import aws_in_place
from tests.in_bucket import objects_in
from tests.notebook_cells import run_cells
from tests.s3_proxy import SLOW_DOWN, WAIT_S

from experiment.arguments import read
from experiment.ledger import read_run
from rollout.__main__ import main
from rollout.machine import machine
from rollout.origin.picture import jpeg
from rollout.target import connect
from rollout.worker import destroy

FUNCTION = "million-downloads-o"
BUCKETS = ("million-downloads-lab-0", "million-downloads-lab-1")
KEPT = "million-downloads-lab-kept"
TEMPLATE = "s3://million-downloads-lab-{number%2}/origin/{number%8}/{number}.jpg"
FILES = 24
SIZE = ("--files", str(FILES), "--file-kb", "3")
MANY = ("--files", "99", "--file-kb", "3")


@pytest.fixture
def lab(s3):
    """Buckets that are empty, and gone afterwards."""
    for name in (*BUCKETS, KEPT):
        s3.create_bucket(Bucket=name)
    yield s3
    for name in (*BUCKETS, KEPT):
        there = s3.list_objects_v2(Bucket=name).get("Contents", ())
        if keys := [{"Key": one["Key"]} for one in there]:
            s3.delete_objects(Bucket=name, Delete={"Objects": keys})
        s3.delete_bucket(Bucket=name)


@pytest.fixture
def origin(endpoint, capsys):
    """Run `rollout origin`; return its exit status and what it printed."""

    def run(verb, *words, at=endpoint.endpoint_url):
        status = main(["origin", verb, "--endpoint-url", at, *map(str, words)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def aws(endpoint, monkeypatch, wheels_folder):
    """Have `aws` be the local endpoint, behind a gate, with this machine's Python."""
    wheelhouse.offer_for_this_machine(monkeypatch, wheels_folder)
    with aws_in_place(endpoint.endpoint_url, monkeypatch) as gate:
        yield gate
        destroy(connect("aws"), FUNCTION)


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
    """
    On the target `aws`, with no more than the permissions that README grants.
    """
    files, picture = 64, jpeg(3_000)
    command = ["--target", "aws", TEMPLATE, "--files", str(files)]
    assert main(["origin", "put", *command, "--file-kb", "3"]) == 0
    said = capsys.readouterr()
    there = in_lab(lab)
    assert "64 of 64 objects written\n" in said.err
    assert there == {
        f"s3://{BUCKETS[n % 2]}/origin/{n % 8}/{n}.jpg": picture for n in range(files)
    }
    Image.open(io.BytesIO(picture)).load()

    _, parameters = read(["20_fan_out", *shlex.split(said.out.splitlines()[-1])])
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
    assert set(variables["result"].downloads["url"]) == there.keys()
    policy = (
        connect("aws")
        .client("iam")
        .get_role_policy(RoleName=variables["deployed"].role, PolicyName="read-sources")
    )
    (resources,) = (
        one["Resource"]
        for one in policy["PolicyDocument"]["Statement"]
        if "s3:GetObject" in one["Action"]
    )
    assert resources == [f"arn:aws:s3:::{name}/origin/*" for name in BUCKETS]

    assert main(["origin", "remove", *command]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "removed 64 objects"
    assert in_lab(lab) == {}


@pytest.mark.usefixtures("lab")
def test_one_picture_is_sent_to_each_bucket(origin, proxy):
    """
    All others S3 copies: 1,700 GB would take a home's line a week.
    """
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
    size = ("--files", "200", "--file-kb", "3")
    going_on, was_interrupted = threading.Event(), threading.Event()

    def fault(asked):
        if is_copy(asked) and len(proxy.asked) > 50:
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
            _, said = process.communicate(timeout=WAIT_S)
        finally:
            process.kill()
    before = len(in_lab(lab))

    assert process.returncode == 130
    assert "objects written; the same command again completes it" in said
    assert 40 < before < 200
    assert origin("put", *size, TEMPLATE)[0] == 0
    assert Counter(in_lab(lab).values()) == {jpeg(3_000): 200}


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
    assert f"S3 keeps origin/0/8.jpg in {BUCKETS[0]}: Int" in capsys.readouterr().err


@pytest.mark.usefixtures("lab")
def test_a_thousand_keys_go_into_one_call(origin, proxy):
    status, _, _ = origin("remove", "--files", 4_001, TEMPLATE, at=proxy.url)
    calls = [
        asked.body.count(b"<Key>") for asked in proxy.asked if asked.method == "POST"
    ]

    assert status == 0
    assert sorted(calls)[-4:] == [1_000] * 4
    assert sum(calls) >= 4_001


@pytest.mark.usefixtures("lab")
def test_what_costs_too_much_is_itemised_and_refused(gate, capsys):
    size = ("--files", "1000000", "--file-kb", "1700")
    status = main(["origin", "put", "--target", "aws", *size, TEMPLATE])
    said = capsys.readouterr()

    assert (status, said.out) == (2, "")
    assert re.findall(r"\$([\d.]+)  ([\d,]+) (.*)", said.err) == [
        ("5.00", "1,000,000", "writes to S3"),
        ("36.41", "1,583", "GB in S3 for a month"),
    ]
    assert "This costs $41.41, more than the $5.00 of --max-cost-usd." in said.err
    assert "set --max-cost-usd to 41.42" in said.err
    assert gate.actions == {"s3:ListBucket"}


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("action", ["s3:PutObject", "s3:GetObject"])
def test_a_permission_that_is_missing_is_named(gate, capsys, action):
    gate.policy = gate.without(action)
    status = main(["origin", "put", "--target", "aws", *SIZE, TEMPLATE])

    assert status == 2
    assert f"not authorized to perform: {action} on" in capsys.readouterr().err


@pytest.mark.usefixtures("lab")
def test_locally_nothing_costs_anything(origin):
    size = ("--files", 9, "--file-kb", 1, "--max-cost-usd", 0)
    status, _, err = origin("put", *size, TEMPLATE)

    assert status == 0
    assert err.startswith("dollars: none, it is local; on AWS:\n")


def test_buckets_are_looked_at_before_anything_is_put(origin, s3):
    far = "million-downloads-lab-1"
    s3.create_bucket(
        Bucket=far, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    for verb, size in (("put", SIZE), ("remove", SIZE[:2])):
        status, _, err = origin(verb, *size, TEMPLATE)

        assert status == 2
        assert f"There is no bucket {BUCKETS[0]}" in err
        assert f"The bucket {far} is in eu-west-1" in err
    s3.delete_bucket(Bucket=far)


def test_a_local_bucket_is_not_to_be_made_in_an_account(origin, endpoint):
    _, _, err = origin("put", *SIZE, TEMPLATE)

    assert f"--region us-east-1 --endpoint-url {endpoint.endpoint_url}" in err


@pytest.mark.parametrize(
    ("template", "size", "said"),
    [
        ("s3://lab/{number}.jpg", SIZE, "keys that do not begin with origin/"),
        ("s3://lab/originals/{number}.jpg", SIZE, "do not begin with origin/"),
        ("s3://lab/origin/1.jpg", SIZE, "has no {number} in it"),
        ("s3://lab/origin/{number%0}/{number}", SIZE, "divides by 0"),
        ("http://lab/origin/{number}.jpg", SIZE, "is no place in S3"),
        ("s3://Lab/origin/{number}.jpg", SIZE, "The bucket is 'Lab'"),
        ("s3://l-{number}/origin/{number}", MANY, "names 99 buckets; the function's"),
        ("s3://l-{number%33}/origin/{number}", MANY, "names 33 buckets"),
        (TEMPLATE, ("--files", 0, "--file-kb", 3), "there must be at least 1"),
        (TEMPLATE, ("--files", 9, "--file-kb", 0), "it must have from 1,000 to"),
        (TEMPLATE, ("--files", 9, "--file-kb", 50_001), "50,001,000 bytes"),
    ],
)
def test_what_cannot_be_an_origin_is_refused(origin, template, size, said):
    status, out, err = origin("put", *size, template)

    assert (status, out) == (2, "")
    assert said in err
