"""Resource policies: statements, revisions, and the calls of a URL they admit."""

import json
import time

import pytest
from tests.support.lambda_functions import ECHO
from tests.support.lambda_permissions import FORBIDDEN, permit, to_s3
from tests.support.urllib_http import fetch

RECORDED = "LocalStack test_lambda_api TestLambdaPermissions "
FIELDS = f"{RECORDED}test_add_lambda_permission_fields, recorded 2023-11"
REMOVED = f"{RECORDED}test_remove_multi_permissions, recorded 2023-11"
VERSIONS = f"{RECORDED}test_lambda_permission_fn_versioning, recorded 2023-11"
NO_POLICY = (
    404,
    "ResourceNotFoundException",
    "The resource you requested does not exist.",
)
CALL_URL = {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
BY_URL = {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True}


@pytest.fixture
def permitted(echo):
    """Permit something and return the statement; the policy goes with the test."""
    made = []

    def permitted(sid, **asked):
        made.append(sid)
        return permit(echo.client, echo, sid, **asked)

    yield permitted
    for sid in made:
        echo.remove_permission(StatementId=sid)


@pytest.mark.fact(FIELDS)
def test_a_statement_has_what_was_asked_for(permitted, echo, arn_of, account):
    made = permitted(
        "all-fields",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        SourceArn="arn:aws:s3:::some-bucket",
        SourceAccount=account,
        PrincipalOrgID="o-1234567890",
        FunctionUrlAuthType="NONE",
    )

    assert made == {
        "Sid": "all-fields",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:InvokeFunctionUrl",
        "Resource": arn_of(echo),
        "Condition": {
            "StringEquals": {
                "lambda:FunctionUrlAuthType": "NONE",
                "aws:PrincipalOrgID": "o-1234567890",
                "AWS:SourceAccount": account,
            },
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::some-bucket"},
        },
    }


@pytest.mark.parametrize(
    ("permission", "condition"),
    [
        pytest.param(
            {"EventSourceToken": "amzn1.skill"},
            {"StringEquals": {"lambda:EventSourceToken": "amzn1.skill"}},
            marks=pytest.mark.fact(FIELDS),
        ),
        pytest.param(
            BY_URL,
            {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
            marks=pytest.mark.fact("AWS Lambda developer guide, urls-auth.html"),
        ),
    ],
)
def test_tokens_and_calls_by_url_are_conditions(permitted, permission, condition):
    assert permitted("s", Principal="*", **permission)["Condition"] == condition


@pytest.mark.fact(f"{FIELDS}; for an ARN, there a user's")
def test_services_accounts_and_arns_are_spelled_as_principals(
    permitted, account, role_arn
):
    spelled = {
        "lambda.amazonaws.com": {"Service": "lambda.amazonaws.com"},
        account: {"AWS": f"arn:aws:iam::{account}:root"},
        role_arn: {"AWS": role_arn},
    }
    for place, principal in enumerate(spelled):
        made = permitted(f"s{place}", Principal=principal)

        assert made["Principal"] == spelled[principal]
        assert "Condition" not in made


@pytest.mark.fact(
    f"{REMOVED}; scribd/terraform-aws-datadog#61, where `wc` counts one word"
)
def test_a_policy_has_its_statements_in_order_until_the_last_is_removed(deploy):
    function = deploy(ECHO)
    first = permit(function.client, function, "s3")
    second = permit(function.client, function, "sqs", Principal="sqs.amazonaws.com")
    both = function.get_policy()["Policy"]
    removed = function.remove_permission(StatementId="sqs")
    one = function.get_policy()["Policy"]
    function.remove_permission(StatementId="s3")

    document = {"Version": "2012-10-17", "Id": "default"}
    assert " " not in both
    assert json.loads(both) == document | {"Statement": [first, second]}
    assert removed.status == 204
    assert json.loads(one) == document | {"Statement": [first]}
    assert function.refused("get_policy") == NO_POLICY


@pytest.mark.fact(VERSIONS)
def test_functions_versions_and_aliases_have_policies_of_their_own(deploy, arn_of):
    function = deploy(ECHO)
    whole = permit(function.client, function, "s3")
    version = function.publish_version()["Version"]
    function.alias("a", version)
    assert function.refused("get_policy", Qualifier=version) == NO_POLICY
    of_version = permit(function.client, function, "s3", Qualifier=version)
    of_alias = permit(function.client, function, "s3", Qualifier="a")

    assert whole["Resource"] == arn_of(function)
    assert of_version["Resource"] == arn_of(function, version)
    assert of_alias["Resource"] == arn_of(function, "a")
    for qualified, made in (
        ({}, whole),
        ({"Qualifier": version}, of_version),
        ({"Qualifier": "a"}, of_alias),
    ):
        shown = function.get_policy(**qualified)
        assert json.loads(shown["Policy"])["Statement"] == [made]


@pytest.mark.fact(VERSIONS)
def test_a_permission_is_a_change_of_the_function_or_the_alias(deploy):
    function = deploy(ECHO)
    before = function.shown()["RevisionId"]
    permit(function.client, function, "s3", RevisionId=before)
    after = function.shown()["RevisionId"]
    of_policy = function.get_policy()["RevisionId"]
    function.publish_version()
    alias = function.alias("a", "1")["RevisionId"]
    qualified = {"Qualifier": "a", "RevisionId": alias}
    permit(function.client, function, "s3", **qualified)
    later = function.get_alias(Name="a")["RevisionId"]

    assert after == of_policy != before
    assert later != alias
    assert function.get_policy(Qualifier="a")["RevisionId"] == later


@pytest.mark.fact(
    "LocalStack test_lambda_permission_url_invocation, recorded 2025-11; for both "
    "permissions, and the header, awsdocs/aws-lambda-developer-guide#494, 2026-05"
)
@pytest.mark.parametrize(
    ("given", "admitted"),
    [
        ([], False),
        ([CALL_URL], False),
        ([BY_URL], False),
        ([CALL_URL, BY_URL], True),
        ([CALL_URL, {"Action": "lambda:InvokeFunction"}], True),
    ],
)
def test_a_url_admits_requests_with_both_permissions(deploy, on_aws, given, admitted):
    function = deploy(ECHO)
    url = function.url()
    for place, allowed in enumerate(given):
        permit(function.client, function, f"s{place}", Principal="*", **allowed)
    time.sleep(10 if on_aws else 0)  # they take a while to spread
    status, headers, body = fetch(url)

    assert status == (200 if admitted else 403)
    if not admitted:
        assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
        assert json.loads(body) == FORBIDDEN


@pytest.mark.fact(
    "adobe/helix-deploy#24; scribd/terraform-aws-datadog#61 for the status"
)
def test_a_policy_has_20_kb(permitted, echo):
    """
    Fills it with long conditions: a statement may have ten thousand characters.
    """
    long = f"arn:aws:s3:::{'x' * 9_000}"
    permitted("first", SourceArn=long)
    permitted("second", SourceArn=long)
    third = to_s3(StatementId="third", SourceArn=long)
    status, code, message = echo.refused("add_permission", **third)

    assert (status, code) == (400, "PolicyLengthExceededException")
    assert message.startswith("The final policy size (2")
    assert message.endswith(") is bigger than the limit (20480).")
