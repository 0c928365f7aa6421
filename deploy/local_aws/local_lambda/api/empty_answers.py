"""
Reads of what this Lambda never has: empty lists, defaults, and "not found".

Tools look for these things before they deploy. Texts and members: LocalStack's provider
and its recordings (test_lambda_api, 2024-04 to 2026-01); what is listed is botocore's.
"""

from collections.abc import Awaitable, Callable

from local_aws.local_lambda.errors import LambdaError, no_resource
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.function_reference import reference_of
from local_aws.local_lambda.requests.service_model import Answer, Call
from local_aws.local_lambda.runtime.version import LATEST


def listed(member: str) -> Callable[[Registry, Call], Awaitable[Answer]]:
    """Return the operation that lists none, for its response's member."""

    async def list_(registry: Registry, call: Call) -> Answer:  # noqa: ARG001
        return {member: []}

    return list_


async def get_event_source_mapping(
    registry: Registry,  # noqa: ARG001
    call: Call,  # noqa: ARG001
) -> Answer:
    """GetEventSourceMapping."""
    raise no_resource()


async def list_provisioned_concurrency(registry: Registry, call: Call) -> Answer:
    """ListProvisionedConcurrencyConfigs."""
    registry.function(call)
    return {"ProvisionedConcurrencyConfigs": []}


async def get_provisioned_concurrency(registry: Registry, call: Call) -> Answer:
    """GetProvisionedConcurrencyConfig."""
    registry.function(call)
    text = "No Provisioned Concurrency Config found for this function"
    raise LambdaError(404, "ProvisionedConcurrencyConfigNotFoundException", text)


async def get_code_signing(registry: Registry, call: Call) -> Answer:
    """GetFunctionCodeSigningConfig."""
    function = registry.function(call)
    return {"FunctionName": function.reference.name}


async def get_runtime_management(registry: Registry, call: Call) -> Answer:
    """GetRuntimeManagementConfig."""
    function = registry.function(call)
    reference = reference_of(call)
    arn = function.reference.at(reference.qualifier or LATEST).arn
    return {"FunctionArn": arn, "UpdateRuntimeOn": "Auto"}


async def get_recursion(registry: Registry, call: Call) -> Answer:
    """GetFunctionRecursionConfig."""
    registry.function(call)
    return {"RecursiveLoop": "Terminate"}
