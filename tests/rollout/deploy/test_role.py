"""What the function's role allows: what is asked for, and no more."""

import json
from dataclasses import replace

import pytest
from tests.support.aws_target import policies_of

from rollout.deploy import role
from rollout.deploy.deployment import FunctionSpec, deploy, destroy


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
    found = policies_of(target, spec.name)
    assert found.keys() == {"use-my-key", "write-own-log"}
    assert found["use-my-key"] == [statement]
    iam = target.client("iam")
    attached = iam.list_attached_role_policies(RoleName=deployed.role)
    assert not attached["AttachedPolicies"]
    assert f"role {deployed.role}" in destroy(target, spec.name)


LOG = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/{}:*"
WRITE_LOG = (["logs:CreateLogStream", "logs:PutLogEvents"], LOG)
KEEP = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
LIST = ["s3:ListBucket"]
PHOTOS, PART = "arn:aws:s3:::my-photos", "s3://my-photos/2026/x"


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ({}, []),
        ({"bucket": "my-photos"}, [(KEEP, f"{PHOTOS}/*"), (LIST, PHOTOS)]),
        ({"bucket": PART}, [(KEEP, f"{PHOTOS}/2026/x/*"), (LIST, PHOTOS)]),
        (
            {"sources": ("my-photos/a", "two", "s3://two/b")},
            [
                (
                    ["s3:GetObject"],
                    [f"{PHOTOS}/a/*", "arn:aws:s3:::two/*", "arn:aws:s3:::two/b/*"],
                ),
                (LIST, [PHOTOS, "arn:aws:s3:::two"]),
            ],
        ),
        (
            {"bucket": "my-photos", "url": "AWS_IAM"},  # shares its jobs out to itself
            [
                (KEEP, f"{PHOTOS}/*"),
                (LIST, PHOTOS),
                (
                    ["lambda:InvokeFunction"],
                    "arn:aws:lambda:us-east-1:123456789012:function:{}",
                ),
            ],
        ),
    ],
    ids=["its log", "a bucket", "a part of one", "sources", "a service"],
)
def test_the_function_may_do_what_it_is_for_and_nothing_else(
    target, spec, asked, allowed
):
    """It cannot even make its log group again after `destroy`."""
    policies = replace(spec, **asked).policies(target).values()
    statements = [one for policy in policies for one in policy["Statement"]]

    assert statements == [
        {
            "Effect": "Allow",
            "Action": actions,
            "Resource": where.format(spec.name) if isinstance(where, str) else where,
        }
        for actions, where in [WRITE_LOG, *allowed]
    ]
