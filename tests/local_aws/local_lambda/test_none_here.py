"""What the local Lambda never has: listed as none, so that tools get through."""

import pytest
from tests.support.lambda_api import ECHO, refused, request_for

SIGNING = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-"


def test_what_a_function_has_none_of_is_listed_as_none(deploy, client):
    """Tools look before they deploy, and give up at a refusal."""
    echo = deploy(ECHO)
    provisioned = echo.list_provisioned_concurrency_configs()
    mappings = client.list_event_source_mappings(FunctionName=echo)
    signing = echo.get_function_code_signing_config()

    assert provisioned["ProvisionedConcurrencyConfigs"] == []
    assert mappings["EventSourceMappings"] == []
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == []
    assert "CodeSigningConfigArn" not in signing
    assert echo.get_runtime_management_config()["UpdateRuntimeOn"] == "Auto"
    assert echo.get_function_recursion_config()["RecursiveLoop"] == "Terminate"
    assert echo.refused("get_provisioned_concurrency_config", Qualifier="1") == (
        404,
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
    )


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("invoke", {"TenantId": "t"}),
        ("invoke", {"DurableExecutionName": "d"}),
        (
            "update_function_code",
            {"S3Bucket": "abc", "S3Key": "k", "S3ObjectStorageMode": "REFERENCE"},
        ),
        (
            "create_function",
            {"CodeSigningConfigArn": f"{SIGNING}0123456789abcdef0"},
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_not_there_is_refused_when_it_is_asked_for(deploy, operation, asked):
    """Taken in silence, it would seem to have been obeyed."""
    function = deploy(ECHO)
    if operation == "create_function":
        asked = request_for("no", ECHO, **asked)
        status, _, message = refused(function.client.create_function, **asked)
    else:
        status, _, message = function.refused(operation, **asked)

    assert status == 501
    assert " is not modelled by the local Lambda" in message
