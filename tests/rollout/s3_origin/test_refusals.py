"""`rollout origin` refuses what is too dear, not allowed, or no origin."""

import re

import pytest
from tests.support.s3_origin_buckets import BUCKETS, MANY, SIZE, TEMPLATE

from rollout.__main__ import main


@pytest.mark.usefixtures("lab")
def test_what_costs_too_much_is_itemised_and_refused(gate, capsys):
    size = ("--files", "1000000", "--file-kb", "1700")
    status = main(["origin", "put", "--target", "aws", *size, TEMPLATE])
    output = capsys.readouterr()

    assert (status, output.out) == (2, "")
    assert re.findall(r"\$([\d.]+)  ([\d,]+) (.*)", output.err) == [
        ("5.00", "1,000,000", "writes to S3"),
        ("36.41", "1,583", "GB in S3 for a month"),
    ]
    assert (
        "This is priced at $41.41, more than the $5.00 of --max-cost-usd." in output.err
    )
    assert "set --max-cost-usd to 41.42" in output.err
    assert gate.actions == {"s3:ListBucket"}


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("action", ["s3:PutObject", "s3:GetObject"])
def test_a_permission_that_is_missing_is_named(gate, capsys, action):
    gate.policy = gate.without(action)
    status = main(["origin", "put", "--target", "aws", *SIZE, TEMPLATE])

    assert status == 2
    assert f"not authorized to perform: {action} on" in capsys.readouterr().err


@pytest.mark.usefixtures("lab")
def test_locally_nothing_costs_anything_and_options_that_a_run_needs_are_named(origin):
    size = ("--files", 9, "--file-kb", 1, "--max-cost-usd", 0)
    status, _, err = origin("put", *size, TEMPLATE, "--region", "us-east-1")

    assert status == 0
    assert err.startswith("dollars: none, it is local; on AWS for writing")
    assert err.endswith("needs AWS_REGION=us-east-1 as well\n")


def test_buckets_are_looked_at_before_anything_is_put(origin, s3, endpoint):
    far = "million-downloads-lab-1"
    s3.create_bucket(
        Bucket=far, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    for verb, size in (("put", SIZE), ("remove", SIZE[:2])):
        status, _, err = origin(verb, *size, TEMPLATE)

        assert status == 2
        assert f"There is no bucket {BUCKETS[0]}" in err
        assert f"The bucket {far} is in eu-west-1" in err
        assert f"--region us-east-1 --endpoint-url {endpoint.endpoint_url}" in err
    s3.delete_bucket(Bucket=far)


@pytest.mark.parametrize(
    ("template", "size", "message"),
    [
        ("s3://lab/{number}.jpg", SIZE, "keys that do not begin with origin/"),
        ("s3://lab/originals/{number}.jpg", SIZE, "do not begin with origin/"),
        ("s3://lab/origin/1.jpg", SIZE, "has no {number} in it"),
        ("s3://lab/origin/{number%0}/{number}", SIZE, "divides by 0"),
        ("http://lab/origin/{number}.jpg", SIZE, "is no place in S3"),
        ("s3://Lab/origin/{number}.jpg", SIZE, "The bucket is 'Lab'"),
        ("s3://l-{number}/origin/{number}", MANY, "names 99 buckets; the function's"),
        ("s3://l-{number%33}/origin/{number}", MANY, "names 33 buckets"),
        (TEMPLATE, ("--files", 0, "--file-kb", 3), "it must be at least 1"),
        (TEMPLATE, ("--files", 9, "--file-kb", 0), "it must be from 1,000 to"),
        (TEMPLATE, ("--files", 9, "--file-kb", 50_001), "50,001,000 bytes"),
    ],
)
def test_what_cannot_be_an_origin_is_refused(origin, template, size, message):
    status, out, err = origin("put", *size, template)

    assert (status, out) == (2, "")
    assert message in err
