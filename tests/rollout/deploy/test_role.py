"""What the function's role allows: what is asked for, and no more."""

import json
from dataclasses import replace

import pytest
from tests.support.aws_target import policies_of

from rollout.deploy import role
from rollout.deploy.deploy import FunctionSpec, deploy, destroy


@pytest.fixture
def spec(function_name):
    return FunctionSpec(name=function_name, handler="main.handler", memory_mb=256)


def test_a_role_that_was_tampered_with_is_put_right(target, spec, code):
    deploy(target, spec, code=code)
    iam = target.client("iam")
    own_role = role.role_name(target, spec.name)
    iam.delete_role_policy(RoleName=own_role, PolicyName="write-own-log")

    changes = deploy(target, spec, code=code).changes

    assert changes == (f"changed role {own_role}: permissions write-own-log",)
    assert not deploy(target, spec, code=code).changes


def test_what_the_user_added_to_the_role_stays_until_it_is_removed(target, spec, code):
    """A bucket encrypted with a key of theirs needs that key's permissions beside."""
    deployed = deploy(target, replace(spec, bucket="my-photos"), code=code)
    key = "arn:aws:kms:us-east-1:123456789012:key/k"
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    target.client("iam").put_role_policy(
        RoleName=deployed.role,
        PolicyName="use-my-key",
        PolicyDocument=json.dumps(document),
    )

    assert deploy(target, spec, code=code).changes == (
        f"changed role {deployed.role}: permissions use-bucket",
    )
    assert policies_of(target, spec.name)["use-my-key"] == [statement]
    assert f"role {deployed.role}" in destroy(target, spec.name)


def test_the_function_may_write_its_own_log_and_nothing_else(target, spec, code):
    """
    Code that downloads from anywhere holds no key to anything. It cannot even make
    its log group again after `destroy`.
    """
    deploy(target, spec, code=code)
    iam, own_role = target.client("iam"), role.role_name(target, spec.name)
    ((statement,),) = policies_of(target, spec.name).values()
    group = f"log-group:/aws/lambda/{spec.name}"
    assert statement == {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"arn:aws:logs:us-east-1:123456789012:{group}:*",
    }
    assert not iam.list_attached_role_policies(RoleName=own_role)["AttachedPolicies"]


@pytest.mark.parametrize(
    ("bucket", "objects"),
    [("my-photos", "my-photos/*"), ("s3://my-photos/2026/x", "my-photos/2026/x/*")],
)
def test_a_bucket_that_is_named_may_be_used_and_no_other(
    target, spec, code, bucket, objects
):
    deploy(target, replace(spec, bucket=bucket), code=code)
    objects_of, listing = policies_of(target, spec.name)["use-bucket"]

    assert objects_of["Resource"] == f"arn:aws:s3:::{objects}"
    assert set(objects_of["Action"]) == {
        *("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")
    }
    assert listing["Action"] == ["s3:ListBucket"]
    assert listing["Resource"] == "arn:aws:s3:::my-photos"

    deploy(target, spec, code=code)
    assert list(policies_of(target, spec.name)) == ["write-own-log"]


def test_sources_may_be_read_and_nothing_else(target, spec, code):
    deploy(target, replace(spec, sources=("one/a", "two-buckets")), code=code)
    statements = policies_of(target, spec.name)["read-sources"]

    assert [(one["Action"], one["Resource"]) for one in statements] == [
        (["s3:GetObject"], ["arn:aws:s3:::one/a/*", "arn:aws:s3:::two-buckets/*"]),
        (["s3:ListBucket"], ["arn:aws:s3:::one", "arn:aws:s3:::two-buckets"]),
    ]


def test_a_service_may_share_its_jobs_out_to_itself(target, spec, code):
    deployed = deploy(
        target, replace(spec, bucket="my-photos", url="AWS_IAM"), code=code
    )
    (statement,) = policies_of(target, spec.name)["invoke-itself"]

    assert statement["Action"] == ["lambda:InvokeFunction"]
    assert statement["Resource"] == deployed.arn
