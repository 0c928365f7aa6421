"""What the local Lambda never has: listed as none, so that tools get through."""

import pytest
from tests.support.lambda_api import refused
from tests.support.lambda_functions import ECHO, request_for

ARN = "arn:aws:lambda:us-east-1"
SIGNING = f"{ARN}:123456789012:code-signing-config:csc-0123456789abcdef0"
THEIRS = f"{ARN}:017000801446:layer:theirs:1"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"
NETWORK = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
ELSEWHERE = {"S3Bucket": "abc", "S3Key": "k", "S3ObjectStorageMode": "REFERENCE"}
SENT_ON = {"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}
STREAMED = {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}
NO_STREAMING = (
    "AWS's runtime client for Python, which runs functions here, cannot stream either: "
    "awslambdaric 4.2.2, aws/aws-lambda-roadmap 39."
)


@pytest.fixture(scope="module")
def echo(deploy_for_all):
    return deploy_for_all(ECHO)


def test_what_a_function_has_none_of_is_listed_as_none(echo, client):
    """Tools look before they deploy, and give up at a refusal."""
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


# Parameters of an operation, and what is said not to be modelled.
REFUSED = [
    ("create_function", {"Layers": [THEIRS]}, f"Layer {THEIRS}, of another account,"),
    ("create_function", {"PackageType": "Image"}, "PackageType Image"),
    ("create_function", {"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart"),
    ("create_function", {"LoggingConfig": {"LogFormat": "JSON"}}, "LogFormat JSON"),
    ("create_function", {"DeadLetterConfig": {"TargetArn": QUEUE}}, "DeadLetterConfig"),
    ("create_function", {"VpcConfig": NETWORK}, "VpcConfig"),
    ("create_function", {"CodeSigningConfigArn": SIGNING}, "CodeSigningConfigArn"),
    ("update_function_code", ELSEWHERE, "S3ObjectStorageMode REFERENCE"),
    ("put_function_event_invoke_config", SENT_ON, "DestinationConfig"),
    ("invoke", {"TenantId": "t"}, "TenantId"),
    ("invoke", {"DurableExecutionName": "d"}, "DurableExecutionName"),
    ("create_function_url_config", STREAMED, "InvokeMode RESPONSE_STREAM"),
    ("update_function_url_config", STREAMED, "InvokeMode RESPONSE_STREAM"),
    ("invoke_with_response_stream", {}, "InvokeWithResponseStream"),
]


@pytest.mark.parametrize(("operation", "asked", "what"), REFUSED)
def test_what_is_not_there_is_refused_when_it_is_asked_for(
    echo, operation, asked, what
):
    """Taken in silence, it would seem to have been obeyed."""
    if operation == "create_function":
        asked = request_for("no", ECHO, **asked)
        refusal = refused(echo.client.create_function, **asked)
    else:
        refusal = echo.refused(operation, **asked)
    reason = NO_STREAMING if "stream" in f"{operation}{what}".lower() else "AWS has it."

    assert refusal == (
        501,
        "NotImplementedException",
        f"{what} is not modelled by the local Lambda. {reason}",
    )
