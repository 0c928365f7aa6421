"""Runs into s3-tar that break off: in the end every file is in one tar."""

import io
import json
import re
import tarfile
from collections import Counter

import pytest
from tests.support.aws_target import policies_of
from tests.support.bucket_contents import objects_in, uploads_in
from tests.support.notebook_cells import run_cells

from experiment.ledger.run_folder import read_run
from fetcher.s3.urls import Place
from rollout.deploy import leftover_tars, role
from rollout.deploy.deployment import deploy, destroy
from rollout.deploy.function_spec import AWS_IAM, FunctionSpec, as_service
from rollout.deploy.ownership_tag import OURS
from rollout.deploy.policies import use_bucket
from rollout.deploy.rollback import Changes
from rollout.errors import DeployError

FILES = 60


@pytest.fixture
def parameters(endpoint, tmp_path, bucket):
    return {
        "endpoint_url": endpoint.endpoint_url,
        "origin_url": endpoint.origin_url,
        "function": "sealing",
        "files": FILES,
        "sink": "s3-tar",
        "sink_path": f"s3://{bucket}/kept",
        "run_folder": str(tmp_path / "run"),
    }


def urls_in(objects):
    """Return how often each file is in a tar."""
    found = Counter()
    for key, body in objects.items():
        if key.endswith(".tar"):
            with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as tar:
                found.update(name for name in tar.getnames() if name.endswith("jpg"))
    return found


def test_a_run_that_lost_reports_has_each_file_in_one_tar(
    parameters, s3, bucket, tmp_path
):
    """
    However many it lost: tars without a report are sealed, and a wave of the same name
    could keep nothing. Nor may another run take these tars for its own.
    """
    run, resumed = tmp_path / "run", {"resume": True}
    run_cells("20_fan_out", parameters)
    reports = run / "reports.jsonl"
    lines = reports.read_bytes().splitlines(keepends=True)
    reports.write_bytes(b"".join(lines[:3]))
    before = urls_in(objects_in(s3, bucket))
    s3.create_multipart_upload(Bucket=bucket, Key="kept/run/00-00009.tar")
    run_cells("20_fan_out", parameters | resumed)
    objects = objects_in(s3, bucket)

    assert set(before.values()) == {1}
    check_sealed(run, objects)
    assert uploads_in(s3, bucket) == []
    assert {key for key in objects if key.endswith(".jsonl")} == {
        key.removesuffix(".tar") + ".jsonl"
        for key, body in objects.items()
        if key.endswith(".tar") and body.strip(b"\0")
    }

    reports.write_bytes(b"")
    moved = run.rename(tmp_path / "moved")  # tars are where they were
    given = {"run_folder": str(moved), "waves": 1}
    run_cells("20_fan_out", parameters | resumed | given)
    check_sealed(moved, objects_in(s3, bucket))

    with pytest.raises(DeployError, match="of another run called run"):
        run_cells("20_fan_out", parameters)
    assert not run.exists()


def check_sealed(run, objects):
    assert read_run(run)["totals"]["counts"]["ok"] == FILES
    assert len(urls_in(objects)) == FILES
    assert set(urls_in(objects).values()) == {1}


@pytest.mark.parametrize(
    ("prefix", "is_service", "begun", "others"),
    [
        ("/kept", False, "kept/r/00-00007.tar", "other/r/00-00007.tar"),
        ("/at:9", False, "at:9/r/00-00007.tar", "at/r/00-00007.tar"),
        ("", True, "files/kept/job/00-00007.tar", "backups/00-00007.tar"),
    ],
    ids=["a prefix", "a prefix with a colon", "a service's own files"],
)
def test_destroy_aborts_what_was_begun_where_the_function_may_write(
    target, s3, bucket, prefix, is_service, begun, others
):
    """A service's bucket is the user's, whole, and others have tars there."""
    spec = FunctionSpec(name="sealing-2", bucket=f"{bucket}{prefix}")
    if is_service:
        spec = as_service(spec, AWS_IAM, bucket)
    with Changes() as changes:
        role.ensure(target, spec.name, OURS, spec.policies(target), changes)
    for key in (begun, others):
        s3.create_multipart_upload(Bucket=bucket, Key=key)

    assert f"upload of {Place(bucket, begun)}" in destroy(target, spec.name)
    assert uploads_in(s3, bucket) == [others]
    assert destroy(target, spec.name) == []


@pytest.mark.parametrize(
    ("is_role_stuck", "removed", "last"),
    [
        (False, r"function .*, role .*, log group /aws/lambda/sealing-4\.", "--bucket"),
        (True, r"function sealing-4\.", "The role stays$"),
    ],
)
def test_what_destroy_cannot_remove_it_says_and_does_the_rest(
    target, bucket, monkeypatch, is_role_stuck, removed, last
):
    def refuse(what):
        def fail(*_):
            raise DeployError(what)

        return fail

    deploy(target, FunctionSpec(name="sealing-4", bucket=bucket))
    message = f"Removed: {removed} Uploads stay\\. List .*--bucket {bucket}.*"
    with monkeypatch.context() as patch:
        patch.setattr(leftover_tars, "abort_uploads", refuse("Uploads stay"))
        if is_role_stuck:
            patch.setattr(role, "remove", refuse("The role stays"))
        with pytest.raises(DeployError, match=message) as caught:
            destroy(target, "sealing-4")

    assert re.search(last, str(caught.value))
    assert bool(destroy(target, "sealing-4")) == is_role_stuck


def test_a_role_that_cannot_go_yet_does_not_keep_uploads_from_being_aborted(
    target, s3, bucket
):
    """Without its policies destroy could not tell any more where uploads are."""
    iam = target.client("iam")
    deployed = deploy(target, FunctionSpec(name="sealing-5", bucket=bucket))
    document = json.dumps(use_bucket(target, Place(bucket, ""))["use-bucket"])
    policy = iam.create_policy(PolicyName=bucket, PolicyDocument=document)["Policy"]
    iam.attach_role_policy(RoleName=deployed.role, PolicyArn=policy["Arn"])
    s3.create_multipart_upload(Bucket=bucket, Key="r/00-00007.tar")

    with pytest.raises(DeployError) as caught:
        destroy(target, "sealing-5")

    message = str(caught.value)
    upload = f"upload of {Place(bucket, 'r/00-00007.tar')}"
    assert message.startswith(f"Removed: function sealing-5, {upload}. The role ")
    detach = f"detach-role-policy --role-name {deployed.role} --policy-arn "
    assert f"{detach}{policy['Arn']}, and destroy again." in message
    assert uploads_in(s3, bucket) == []
    assert "use-bucket" in policies_of(target, "sealing-5")

    iam.detach_role_policy(RoleName=deployed.role, PolicyArn=policy["Arn"])
    iam.delete_policy(PolicyArn=policy["Arn"])
    assert destroy(target, "sealing-5") == [
        f"role {deployed.role}",
        f"log group {deployed.log_group}",
    ]
