"""Resource policies: the requests they admit to a URL, and what they go with."""

import pytest
from tests.support.lambda_api import ECHO, create, let_anybody_in, open_url
from tests.support.urllib_http import fetch

CALL = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*"}


@pytest.fixture
def closed(client, deploy):
    """Deploy a function that anybody may invoke by its URL, and nobody call the URL."""
    name = deploy(ECHO)
    url = open_url(client, name)
    client.remove_permission(FunctionName=name, StatementId="anybody-InvokeFunctionUrl")
    return name, url


@pytest.mark.parametrize(
    ("permission", "status"),
    [
        ({"FunctionUrlAuthType": "NONE"}, 200),
        ({"Action": "lambda:*"}, 200),
        ({"Action": "*"}, 200),
        ({"FunctionUrlAuthType": "AWS_IAM"}, 403),
        ({"Principal": "123456789012"}, 403),
        ({"Principal": "s3.amazonaws.com"}, 403),
        ({"SourceArn": "arn:aws:s3:::bucket"}, 403),
        ({"FunctionUrlAuthType": "NONE", "SourceAccount": "123456789012"}, 403),
        ({"FunctionUrlAuthType": "NONE", "PrincipalOrgID": "o-1234567890"}, 403),
    ],
)
def test_a_url_admits_what_a_statement_allows_everybody(
    client, closed, permission, status
):
    name, url = closed
    client.add_permission(FunctionName=name, StatementId="s", **CALL | permission)

    assert fetch(url)[0] == status


def test_a_removed_permission_takes_effect_at_once(client, deploy):
    name = deploy(ECHO)
    url = open_url(client, name)
    before, _, _ = fetch(url)
    client.remove_permission(FunctionName=name, StatementId="anybody-InvokeFunction")

    assert (before, fetch(url)[0]) == (200, 403)


def test_the_policy_of_a_function_is_not_that_of_its_alias(client, deploy):
    name = deploy(ECHO)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="a", FunctionVersion="1")
    let_anybody_in(client, name)
    url = client.create_function_url_config(
        FunctionName=name, Qualifier="a", AuthType="NONE"
    )["FunctionUrl"]
    before, _, _ = fetch(url)
    let_anybody_in(client, name, Qualifier="a")

    assert (before, fetch(url)[0]) == (403, 200)


def test_a_url_for_signed_requests_stays_so_whatever_the_policy(client, deploy):
    name = deploy(ECHO)
    let_anybody_in(client, name)
    made = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")

    assert fetch(made["FunctionUrl"])[0] == 403


def test_a_policy_goes_with_its_function(client, deploy):
    name = deploy(ECHO)
    let_anybody_in(client, name)
    client.delete_function(FunctionName=name)
    create(client, name, ECHO)

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_policy(FunctionName=name)


def test_a_policy_goes_with_its_alias(client, deploy):
    name = deploy(ECHO)
    alias = {"FunctionName": name, "Name": "a", "FunctionVersion": "$LATEST"}
    client.create_alias(**alias)
    let_anybody_in(client, name, Qualifier="a")
    client.delete_alias(FunctionName=name, Name="a")
    client.create_alias(**alias)

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_policy(FunctionName=name, Qualifier="a")


def test_a_policy_goes_with_its_version(client, deploy):
    name = deploy(ECHO)
    client.publish_version(FunctionName=name)
    let_anybody_in(client, name, Qualifier="1")
    client.delete_function(FunctionName=name, Qualifier="1")

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_policy(FunctionName=name, Qualifier="1")
