"""The policy in deploy/permissions.json: enough, and no more than that."""

import json
from dataclasses import replace

import pytest
from tests.support.aws_target import NAME, POLICY, ROOT, actions_of
from tests.support.bucket_contents import put
from tests.support.handler_shards import invoke
from tests.support.iam_simulation import denied, idle
from tests.support.permission_gate import as_list

from fetcher.contract.inline_source import Inline
from fetcher.contract.options import SinkSpec
from fetcher.contract.source import Item
from fetcher.s3.urls import Place
from rollout.deploy import policies, role
from rollout.deploy.deployment import FunctionSpec, deploy, destroy, left, status
from rollout.deploy.leftover_tars import check_prefix_unused, seal_unreported
from rollout.errors import DeployError, ServiceError
from rollout.invoke.service_client import ServiceClient

# AWS narrows none of these down to a function.
ABOUT_ANYTHING = {
    "lambda:GetAccountSettings",
    "servicequotas:ListServiceQuotas",
    "logs:DescribeLogGroups",
    "ec2:DescribeVpcs",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeNetworkInterfaces",
    "elasticfilesystem:DescribeMountTargets",
}
# A user's inline policies may have so many characters, white space aside.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
INLINE = 2_048
# What is asked of a bucket that executions left something in.
OF_A_BUCKET = {
    *("s3:ListBucket", "s3:ListBucketMultipartUploads"),
    *("s3:AbortMultipartUpload", "s3:PutObject", "s3:DeleteObject"),
}
# What is asked when all goes well, and the function is new.
TO_CREATE = {
    *("lambda:CreateFunction", "lambda:GetFunction", "lambda:TagResource"),
    *("lambda:CreateFunctionUrlConfig", "lambda:GetFunctionUrlConfig"),
    *("iam:CreateRole", "iam:GetRole", "iam:TagRole", "iam:PutRolePolicy"),
    *("iam:PassRole", "logs:CreateLogGroup", "logs:PutRetentionPolicy"),
    *("logs:TagResource", "logs:DescribeLogGroups"),
}
LET_ANYBODY_IN = "lambda:AddPermission"


def test_no_action_is_a_pattern_and_resources_are_the_functions_own():
    for statement in POLICY["Statement"]:
        actions = actions_of({"Statement": [statement]})
        assert not [action for action in actions if "*" in action]
        if set(actions) <= ABOUT_ANYTHING:
            assert statement["Resource"] == "*"
        else:
            for one in as_list(statement["Resource"]):
                assert "million-downloads" in one


@pytest.mark.parametrize("name", ["permissions.json", "permissions-check.json"])
def test_a_policy_fits_a_users_inline_policy_and_readme_tells_of_it(name):
    text = ROOT.joinpath("deploy", name).read_text()

    assert len("".join(text.split())) <= INLINE
    assert f"]({name})" in ROOT.joinpath("deploy/README.md").read_text()


@pytest.mark.parametrize("action", sorted({*TO_CREATE, LET_ANYBODY_IN}))
def test_a_deployment_that_lacks_a_permission_names_it_and_leaves_nothing(
    aws, gate, spec, code, action
):
    """The first run in an account often fails so; the next must find it clean."""
    gate.policy = gate.without(action)
    url = "NONE" if action == LET_ANYBODY_IN else spec.url

    with pytest.raises(DeployError, match=f"not authorized to perform: {action}"):
        deploy(aws, replace(spec, url=url), code=code)

    gate.policy = POLICY
    assert left(aws, NAME) == []


def test_a_function_whose_tags_may_not_be_seen_is_left_alone(aws, gate, spec, code):
    """Without lambda:ListTags Lambda answers, and leaves the tags out."""
    deploy(aws, spec, code=code)
    function = aws.client("lambda").get_function(FunctionName=NAME)
    gate.answers["GetFunction"] = (200, {"Configuration": function["Configuration"]})

    with pytest.raises(DeployError, match="make sure that you may list its tags"):
        destroy(aws, NAME)

    del gate.answers["GetFunction"]
    assert status(aws, NAME).state == "Active"


def test_the_policy_allows_nothing_that_is_never_asked_for(
    aws, gate, spec, code, zip_of
):
    """
    A whole life: made, changed in every way, looked at, removed. A fan-out's own
    permissions are in test_aws_path.py.
    """
    deploy(aws, spec, code=code)
    assert gate.actions - {"lambda:ListTags"} == TO_CREATE
    changed = replace(
        spec,
        memory_mb=256,
        url="NONE",
        log_retention_days=1,
        tags={"run": "1"},
        bucket="some-bucket",
    )
    deploy(aws, changed, code=zip_of("def handler(*_): pass\n"))
    iam = aws.client("iam")
    own_role = role.role_name(aws, NAME)
    trust = json.dumps(role._TRUST).replace("lambda.amazonaws", "ec2.amazonaws")
    iam.update_assume_role_policy(RoleName=own_role, PolicyDocument=trust)
    deploy(aws, replace(spec, url=""), code=code)
    destroy(aws, NAME)

    of_a_job = {"s3:PutObject"}
    of_a_fan_out = {
        *("lambda:InvokeFunction", "lambda:InvokeFunctionUrl"),
        *("lambda:GetAccountSettings", "lambda:GetFunctionConcurrency"),
        "logs:FilterLogEvents",
    }
    of_a_vpc = ABOUT_ANYTHING - {"lambda:GetAccountSettings", "logs:DescribeLogGroups"}
    of_an_origin = {"s3:PutObject", "s3:GetObject", "s3:DeleteObject"}
    elsewhere = of_an_origin | of_a_job | of_a_fan_out | of_a_vpc | OF_A_BUCKET
    assert set(actions_of(POLICY)) - elsewhere <= gate.actions
    assert gate.actions <= set(actions_of(POLICY))


def test_a_long_list_may_be_handed_in_to_a_service(aws, gate, spec, code, s3):
    """What does not fit a request goes through the service's bucket."""
    bucket = "million-downloads-lists"
    s3.create_bucket(Bucket=bucket)
    deploy(aws, replace(spec, environment={"FETCHER_BUCKET": bucket}), code=code)
    service = ServiceClient(aws, NAME)

    assert service.upload("a.txt", b"http://h/1") == f"s3://{bucket}/lists/a.txt"

    gate.policy = gate.without("s3:PutObject")
    with pytest.raises(ServiceError, match="s3:PutObject"):
        service.upload("b.txt", b"http://h/1")


def test_what_executions_left_may_be_seen_to(aws, gate, s3):
    left = Place("million-downloads-left", "kept")
    s3.create_bucket(Bucket=left.bucket)
    s3.put_object(Bucket=left.bucket, Key="kept/r/00-00001.tar", Body=b"")
    s3.create_multipart_upload(Bucket=left.bucket, Key="kept/r/00-00002.tar")

    assert seal_unreported(aws, left, "r", set(), set()) == {(0, 1)}
    assert gate.actions == OF_A_BUCKET
    for action in OF_A_BUCKET:
        gate.policy = gate.without(action)
        s3.create_multipart_upload(Bucket=left.bucket, Key="kept/r/00-00002.tar")
        with pytest.raises(DeployError, match="Read and Write of deploy/perm"):
            seal_unreported(aws, left, "r", set(), set())
    with pytest.raises(DeployError, match="kept cannot be looked for"):
        check_prefix_unused(aws, left, "r")


def test_executions_may_do_what_they_do_and_no_more(aws, gate, s3, bucket):
    """Their own calls, signed in headers and in URLs, against the role's policies."""
    sources = f"{bucket}-sources"
    s3.create_bucket(Bucket=sources)
    items = [Item(n, put(s3, sources, f"2026/{n}.jpg", b"x")) for n in range(3)]
    spec = FunctionSpec(
        name=NAME, bucket=f"{bucket}/kept", sources=(f"{sources}/2026",)
    )
    own = spec.policies(aws)
    del own[policies.WRITE_OWN_LOG]  # Lambda writes it
    gate.policy = {"Statement": [one for p in own.values() for one in p["Statement"]]}
    for kind in ("s3-tar", "s3-objects"):
        sink = SinkSpec(kind=kind, path=f"s3://{bucket}/kept/{kind}")
        report = invoke(Inline.of(items), sink, allow_s3=True)
        assert report.tally.counts["ok"] == len(items), report

    assert {"s3:PutObject", "s3:GetObject"} == gate.actions
    assert denied(gate.policy, gate.needed) == []
    # Without it S3 says "forbidden" of what is missing.
    spare = [one["Action"] for one in idle(gate.policy, gate.needed)]
    assert spare == [["s3:ListBucket"]] * 2
