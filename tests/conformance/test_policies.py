"""Resource policies: statements, revisions, and the calls of a URL they admit."""

import json
import time

import pytest
from tests.support.lambda_api import ECHO, refused
from tests.support.lambda_permissions import permit, to_s3
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


@pytest.mark.fact(FIELDS)
def test_a_statement_has_what_was_asked_for(lambda_client, deploy, arn_of, account):
    name = deploy(ECHO)
    made = permit(
        lambda_client,
        name,
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
        "Resource": arn_of(name),
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
def test_tokens_and_calls_by_url_are_conditions(
    lambda_client, deploy, permission, condition
):
    made = permit(lambda_client, deploy(ECHO), "s", Principal="*", **permission)

    assert made["Condition"] == condition


@pytest.mark.fact(FIELDS)
def test_services_and_accounts_are_spelled_as_principals(
    lambda_client, deploy, account
):
    name = deploy(ECHO)
    root = f"arn:aws:iam::{account}:root"

    service = permit(lambda_client, name, "service", Principal="lambda.amazonaws.com")
    assert service["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert "Condition" not in service
    assert permit(lambda_client, name, "account", Principal=account)["Principal"] == {
        "AWS": root
    }


@pytest.mark.fact(f"{FIELDS}: there a user's")
def test_an_arn_is_a_principal(lambda_client, deploy, role_arn):
    made = permit(lambda_client, deploy(ECHO), "arn", Principal=role_arn)

    assert made["Principal"] == {"AWS": role_arn}


@pytest.mark.fact(REMOVED)
def test_a_policy_has_its_statements_in_order_until_the_last_is_removed(
    lambda_client, deploy
):
    name = deploy(ECHO)
    first = permit(lambda_client, name, "s3")
    second = permit(lambda_client, name, "sqs", Principal="sqs.amazonaws.com")
    both = lambda_client.get_policy(FunctionName=name)
    removed = lambda_client.remove_permission(FunctionName=name, StatementId="sqs")
    one = lambda_client.get_policy(FunctionName=name)
    lambda_client.remove_permission(FunctionName=name, StatementId="s3")

    document = {"Version": "2012-10-17", "Id": "default"}
    assert json.loads(both["Policy"]) == document | {"Statement": [first, second]}
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert json.loads(one["Policy"]) == document | {"Statement": [first]}
    none = refused(lambda_client.get_policy, FunctionName=name)
    assert none == NO_POLICY


@pytest.mark.fact("scribd/terraform-aws-datadog#61, where `wc` counts one word")
def test_there_is_no_space_in_a_policy(lambda_client, deploy):
    name = deploy(ECHO)
    permit(lambda_client, name, "s3")

    assert " " not in lambda_client.get_policy(FunctionName=name)["Policy"]


@pytest.mark.fact(VERSIONS)
def test_functions_versions_and_aliases_have_policies_of_their_own(
    lambda_client, deploy, arn_of
):
    name = deploy(ECHO)
    whole = permit(lambda_client, name, "s3")
    version = lambda_client.publish_version(FunctionName=name)["Version"]
    lambda_client.create_alias(FunctionName=name, Name="a", FunctionVersion=version)
    client, asked = lambda_client, {"FunctionName": name, "Qualifier": version}
    assert refused(client.get_policy, **asked) == NO_POLICY
    of_version = permit(lambda_client, name, "s3", Qualifier=version)
    of_alias = permit(lambda_client, name, "s3", Qualifier="a")

    assert whole["Resource"] == arn_of(name)
    assert of_version["Resource"] == arn_of(name, version)
    assert of_alias["Resource"] == arn_of(name, "a")
    for qualified, made in (
        ({}, whole),
        ({"Qualifier": version}, of_version),
        ({"Qualifier": "a"}, of_alias),
    ):
        shown = lambda_client.get_policy(FunctionName=name, **qualified)
        assert json.loads(shown["Policy"])["Statement"] == [made]


@pytest.mark.fact(VERSIONS)
def test_a_permission_is_a_change_of_the_function(lambda_client, deploy):
    name = deploy(ECHO)
    before = lambda_client.get_function_configuration(FunctionName=name)["RevisionId"]
    permit(lambda_client, name, "s3", RevisionId=before)
    after = lambda_client.get_function_configuration(FunctionName=name)["RevisionId"]

    assert after != before
    assert lambda_client.get_policy(FunctionName=name)["RevisionId"] == after


@pytest.mark.fact(VERSIONS)
def test_a_permission_is_a_change_of_the_alias(lambda_client, deploy):
    name = deploy(ECHO)
    version = lambda_client.publish_version(FunctionName=name)["Version"]
    alias = lambda_client.create_alias(
        FunctionName=name, Name="a", FunctionVersion=version
    )
    permit(lambda_client, name, "s3", Qualifier="a", RevisionId=alias["RevisionId"])
    later = lambda_client.get_alias(FunctionName=name, Name="a")["RevisionId"]
    shown = lambda_client.get_policy(FunctionName=name, Qualifier="a")["RevisionId"]

    assert later != alias["RevisionId"]
    assert shown == later


@pytest.mark.fact(
    "LocalStack test_lambda_permission_url_invocation, recorded 2025-11; for both "
    "permissions, and the header, awsdocs/aws-lambda-developer-guide#494, 2026-05"
)
@pytest.mark.parametrize("given", [[], [CALL_URL], [BY_URL]])
def test_a_url_admits_no_request_without_both_permissions(
    lambda_client, deploy, on_aws, given
):
    name = deploy(ECHO)
    url = lambda_client.create_function_url_config(FunctionName=name, AuthType="NONE")
    for place, allowed in enumerate(given):
        permit(lambda_client, name, f"s{place}", Principal="*", **allowed)
    time.sleep(10 if on_aws else 0)  # they take a while to spread
    status, headers, body = fetch(url["FunctionUrl"])

    assert status == 403
    assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(body) == {
        "Message": (
            "Forbidden. For troubleshooting Function URL authorization issues, see: "
            "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
        )
    }


@pytest.mark.fact("awsdocs/aws-lambda-developer-guide#494, 2026-05")
@pytest.mark.parametrize("only", [{"InvokedViaFunctionUrl": True}, {}])
def test_with_both_permissions_a_url_admits_every_request(
    lambda_client, deploy, on_aws, only
):
    name = deploy(ECHO)
    url = lambda_client.create_function_url_config(FunctionName=name, AuthType="NONE")
    permit(lambda_client, name, "call", Principal="*", **CALL_URL)
    permit(
        lambda_client,
        name,
        "invoke",
        Principal="*",
        Action="lambda:InvokeFunction",
        **only,
    )
    time.sleep(10 if on_aws else 0)  # they take a while to spread

    assert fetch(url["FunctionUrl"])[0] == 200


@pytest.mark.fact(
    "adobe/helix-deploy#24; scribd/terraform-aws-datadog#61 for the status"
)
def test_a_policy_has_20_kb(lambda_client, deploy):
    """Fills it with long conditions: a statement may have ten thousand characters."""
    name = deploy(ECHO)
    long = f"arn:aws:s3:::{'x' * 9_000}"
    permit(lambda_client, name, "first", SourceArn=long)
    permit(lambda_client, name, "second", SourceArn=long)
    status, code, message = refused(
        lambda_client.add_permission,
        **to_s3(FunctionName=name, StatementId="third", SourceArn=long),
    )

    assert (status, code) == (400, "PolicyLengthExceededException")
    assert message.startswith("The final policy size (2")
    assert message.endswith(") is bigger than the limit (20480).")
