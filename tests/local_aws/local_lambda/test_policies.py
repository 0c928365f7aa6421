"""Resource policies: the requests they admit to a URL, and what they go with."""

import pytest
from tests.support.lambda_api import create
from tests.support.lambda_functions import ECHO
from tests.support.urllib_http import fetch

CALL = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*"}


@pytest.fixture(scope="module")
def closed(deploy_for_all):
    """A function that anybody may invoke by its URL, and nobody call the URL."""
    function = deploy_for_all(ECHO)
    url = function.open_url()
    function.remove_permission(StatementId="anybody-InvokeFunctionUrl")
    return function, url


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
def test_a_url_admits_what_a_statement_allows_everybody_until_it_is_removed(
    closed, permission, status
):
    function, url = closed
    function.add_permission(StatementId="s", **CALL | permission)
    given, _, _ = fetch(url)
    function.remove_permission(StatementId="s")

    assert (given, fetch(url)[0]) == (status, 403)


def test_the_policy_of_a_function_is_not_that_of_its_alias(deploy):
    function = deploy(ECHO)
    function.publish_version()
    function.alias("a", "1")
    function.let_anybody_in()
    url = function.url(Qualifier="a")
    before, _, _ = fetch(url)
    function.let_anybody_in(Qualifier="a")

    assert (before, fetch(url)[0]) == (403, 200)


def test_a_policy_goes_with_its_function_its_version_and_its_alias(client, deploy):
    function = deploy(ECHO)
    function.publish_version()
    function.alias("a", "$LATEST")
    for qualified in ({}, {"Qualifier": "1"}, {"Qualifier": "a"}):
        function.let_anybody_in(**qualified)
    function.delete_alias(Name="a")
    function.alias("a", "$LATEST")
    function.delete_function(Qualifier="1")
    refusals = [function.refused("get_policy", Qualifier=one) for one in ("1", "a")]
    kept = function.get_policy()["Policy"]
    function.delete_function()
    create(client, function, ECHO)

    assert [code for _, code, _ in refusals] == ["ResourceNotFoundException"] * 2
    assert kept
    assert function.refused("get_policy")[1] == "ResourceNotFoundException"
