"""Resource policies: what is refused."""

import pytest
from tests.support.lambda_api import ECHO, refused
from tests.support.lambda_permissions import permit, to_s3

RECORDED = "LocalStack test_lambda_api TestLambdaPermissions "
REMOVED = f"{RECORDED}test_remove_multi_permissions, recorded 2023-11"
REFUSED = f"{RECORDED}test_permission_exceptions; texts: its provider"
REVISIONS = f"{RECORDED}test_lambda_permission_revisions, recorded 2022-12"
STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the "
    "GetFunction/GetAlias API to retrieve the latest Revision Id"
)


def missing(message):
    return 404, "ResourceNotFoundException", message


def invalid(message):
    return 400, "InvalidParameterValueException", message


@pytest.mark.fact(
    "Pocket/terraform-modules#1037; the text also in LocalStack's provider"
)
@pytest.mark.parametrize("principal", ["amazonaws.com", "nobody"])
def test_who_is_no_principal_is_refused(lambda_client, deploy, principal):
    message = (
        "The provided principal was invalid. Please check the principal and try again."
    )

    asked = to_s3(FunctionName=deploy(ECHO), StatementId="s", Principal=principal)
    assert refused(lambda_client.add_permission, **asked) == invalid(message)


@pytest.mark.fact("RJPearson94/terraform-aws-open-next#73, 2026-08")
def test_an_auth_type_belongs_to_calls_of_the_url(lambda_client, deploy):
    message = (
        "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"
    )

    asked = to_s3(
        FunctionName=deploy(ECHO), StatementId="s", FunctionUrlAuthType="NONE"
    )
    assert refused(lambda_client.add_permission, **asked) == invalid(message)


@pytest.mark.fact(
    "terraform-aws-modules/terraform-aws-lambda#547; with its status "
    "cloudposse/terraform-aws-datadog-lambda-forwarder#27"
)
def test_an_id_is_given_once(lambda_client, deploy):
    name = deploy(ECHO)
    permit(lambda_client, name, "s3")
    message = (
        "The statement id (s3) provided already exists. Please provide a new statement "
        "id, or remove the existing statement."
    )

    asked = to_s3(FunctionName=name, StatementId="s3")
    conflict = (409, "ResourceConflictException", message)
    assert refused(lambda_client.add_permission, **asked) == conflict


@pytest.mark.fact(f"{REFUSED}; botocore's model")
def test_an_id_is_of_letters_digits_and_lines(lambda_client, deploy):
    asked = to_s3(FunctionName=deploy(ECHO), StatementId="s3.a")
    message = (
        "1 validation error detected: Value 's3.a' at 'statementId' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
    )

    wrong = (400, "ValidationException", message)
    assert refused(lambda_client.add_permission, **asked) == wrong


@pytest.mark.fact(REMOVED)
def test_a_statement_that_is_not_there_is_not_removed(lambda_client, deploy):
    name = deploy(ECHO)
    permit(lambda_client, name, "s3")
    message = "Statement non-existent is not found in resource policy."

    asked = {"FunctionName": name, "StatementId": "non-existent"}
    assert refused(lambda_client.remove_permission, **asked) == missing(message)


@pytest.mark.fact(REFUSED)
def test_where_there_is_no_policy_nothing_is_removed(lambda_client, deploy):
    asked = {"FunctionName": deploy(ECHO), "StatementId": "s3"}
    message = "No policy is associated with the given resource."

    assert refused(lambda_client.remove_permission, **asked) == missing(message)


@pytest.mark.fact(REFUSED)
def test_a_function_that_does_not_exist_is_told_in_two_ways(lambda_client, arn_of):
    asked = {"FunctionName": "doesnotexist"}
    arn = arn_of("doesnotexist")

    client, not_found = lambda_client, missing(f"Function not found: {arn}")
    assert refused(client.get_policy, **asked) == not_found
    adding = to_s3(**asked, StatementId="s3")
    assert refused(client.add_permission, **adding) == not_found
    none = missing(f"No policy found for: {arn}")
    assert refused(client.remove_permission, **asked, StatementId="s3") == none


@pytest.mark.fact("terraform-aws-modules/terraform-aws-lambda#36")
def test_what_is_not_published_has_the_functions_policy(lambda_client, deploy):
    asked = to_s3(FunctionName=deploy(ECHO), StatementId="s3", Qualifier="$LATEST")
    message = "We currently do not support adding policies for $LATEST."

    assert refused(lambda_client.add_permission, **asked) == invalid(message)


@pytest.mark.fact(REFUSED)
@pytest.mark.parametrize(
    ("qualifier", "told"),
    [("alias", "Cannot find alias arn"), ("9", "Function not found")],
)
def test_what_does_not_exist_gets_no_policy(
    lambda_client, deploy, arn_of, qualifier, told
):
    name = deploy(ECHO)
    asked = to_s3(FunctionName=name, StatementId="s3", Qualifier=qualifier)
    message = f"{told}: {arn_of(name, qualifier)}"

    assert refused(lambda_client.add_permission, **asked) == missing(message)


@pytest.mark.fact(REVISIONS)
@pytest.mark.parametrize("qualified", [{}, {"Qualifier": "1"}, {"Qualifier": "a"}])
def test_a_revision_that_is_not_the_latest_changes_nothing(
    lambda_client, deploy, qualified
):
    name = deploy(ECHO)
    lambda_client.publish_version(FunctionName=name)
    lambda_client.create_alias(FunctionName=name, Name="a", FunctionVersion="1")
    permit(lambda_client, name, "s3", **qualified)
    asked = {"FunctionName": name, "RevisionId": "some-other"} | qualified

    stale = (412, "PreconditionFailedException", STALE)
    client = lambda_client
    adding = to_s3(**asked, StatementId="s3_2")
    assert refused(client.add_permission, **adding) == stale
    assert refused(client.remove_permission, **asked, StatementId="s3") == stale


@pytest.mark.fact(
    "adobe/helix-deploy#24; scribd/terraform-aws-datadog#61 for the status"
)
def test_a_policy_has_20_kb(lambda_client, deploy):
    """
    Fills it with long conditions: a statement may have ten thousand characters.
    """
    name = deploy(ECHO)
    long = f"arn:aws:s3:::{'x' * 9_000}"
    permit(lambda_client, name, "first", SourceArn=long)
    permit(lambda_client, name, "second", SourceArn=long)
    asked = to_s3(FunctionName=name, StatementId="third", SourceArn=long)
    status, code, message = refused(lambda_client.add_permission, **asked)

    assert (status, code) == (400, "PolicyLengthExceededException")
    assert message.startswith("The final policy size (2")
    assert message.endswith(") is bigger than the limit (20480).")
