"""Functions whose name is taken or unknown, too large, or of another region."""

from types import SimpleNamespace

import boto3
import pytest
from tests.support.lambda_api import ECHO, PLAIN, connect, refused, request_for

from local_aws.local_lambda.requests.callers import KeyPair

UNKNOWN = "no-such-function"


@pytest.mark.fact("LocalStack test_ops_on_nonexisting_fn, recorded 2024-04")
@pytest.mark.parametrize(
    "operation", ["get_function", "get_function_configuration", "delete_function"]
)
def test_an_unknown_function_is_not_found(lambda_client, arn_of, operation):
    refusal = refused(getattr(lambda_client, operation), FunctionName=UNKNOWN)

    assert refusal == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {arn_of(UNKNOWN)}",
    )


@pytest.mark.fact("hashicorp/terraform#15929: the text")
def test_a_taken_name_is_refused(lambda_client, deploy, role_arn):
    name = deploy(ECHO)
    refusal = refused(
        lambda_client.create_function, **request_for(name, ECHO, Role=role_arn)
    )

    assert refusal == (
        409,
        "ResourceConflictException",
        f"Function already exist: {name}",
    )


@pytest.mark.fact("LocalStack TestLambdaSizeLimits, recorded 2024-04")
def test_a_request_to_create_a_function_has_a_limit(lambda_client, role_arn):
    """
    On AWS this uploads 70 MB.
    """
    request = request_for(UNKNOWN, ECHO, Role=role_arn)
    refusal = refused(
        lambda_client.create_function,
        **request | {"Code": {"ZipFile": b"\0" * 52_625_500}},
    )

    assert refusal == (
        413,
        "RequestEntityTooLargeException",
        "Request must be smaller than 70167211 bytes for the CreateFunction operation",
    )


@pytest.mark.fact("LocalStack test_get_function_wrong_region, recorded 2024-04")
def test_a_function_lives_in_the_region_it_was_made_in(
    lambda_client, deploy, arn_of, elsewhere
):
    name = deploy(ECHO)
    here, there = lambda_client.meta.region_name, elsewhere.meta.region_name
    by_name = refused(elsewhere.get_function, FunctionName=name)
    by_arn = refused(elsewhere.get_function, FunctionName=arn_of(name))

    assert by_name[:2] == (404, "ResourceNotFoundException")
    assert by_arn == (
        404,
        "ResourceNotFoundException",
        f"Functions from '{here}' are not reachable in this region ('{there}')",
    )


@pytest.fixture
def elsewhere(on_aws, lambda_client):
    """A client of another region."""
    here = lambda_client.meta.region_name
    region = "us-west-2" if here == "us-east-1" else "us-east-1"
    if on_aws:
        client = boto3.client("lambda", region_name=region, config=PLAIN)
    else:
        found = lambda_client._request_signer._credentials
    here = SimpleNamespace(
        endpoint_url=lambda_client.meta.endpoint_url,
        keys=KeyPair(found.access_key, found.secret_key),
    )
    client = connect(here, region=region)
    yield client
    client.close()
