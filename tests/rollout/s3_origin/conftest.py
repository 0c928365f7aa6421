"""Buckets for an origin, and the command that fills them."""

import pytest
from tests.support import wheelhouse
from tests.support.aws_target import aws_in_place
from tests.support.s3_origin_buckets import BUCKETS, FUNCTION, KEPT

from rollout.__main__ import main
from rollout.deploy.deployment import destroy
from rollout.target.connection import connect


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
