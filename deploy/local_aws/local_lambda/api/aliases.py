"""Aliases: names for versions, with invocations shared between two of them."""

from collections.abc import Mapping
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.alias import Alias
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.function_reference import Reference, reference_of
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Answer, Call
from local_aws.local_lambda.runtime.version import LATEST


async def create(registry: Registry, call: Call) -> Answer:
    """CreateAlias."""
    parameters = call.parameters
    name, number = parameters["Name"], parameters["FunctionVersion"]
    reference = reference_of(call).at(number)
    function = registry.find(reference)
    function.version_state(number)
    arn = reference.at(name).arn
    if name in function.aliases:
        text = f"Alias already exists: {arn}"
        raise errors.conflict(text)
    weights = _weights(parameters)
    _check_weights(function, number, weights)
    alias = Alias(name, number, parameters.get("Description", ""), weights)
    function.aliases[name] = alias
    return alias.describe(arn)


async def update(registry: Registry, call: Call) -> Answer:
    """UpdateAlias."""
    parameters = call.parameters
    reference = _reference(call)
    function = registry.find(reference)
    alias = function.aliases.get(parameters["Name"])
    if alias is None:
        text = f"Alias not found: {reference.arn}"  # apex/up#606
        raise errors.NotFoundError(text)
    if parameters.get("RevisionId", alias.revision) != alias.revision:
        raise errors.stale_revision()
    number = parameters.get("FunctionVersion", alias.version)
    function.version_state(number)
    weights = _weights(parameters) if "RoutingConfig" in parameters else alias.weights
    _check_weights(function, number, weights)
    description = parameters.get("Description", alias.description)
    changed = Alias(alias.name, number, description, weights)
    function.aliases[alias.name] = changed
    return changed.describe(reference.arn)


async def get(registry: Registry, call: Call) -> Answer:
    """GetAlias."""
    reference = _reference(call)
    alias = registry.function(call).aliases.get(call.parameters["Name"])
    if alias is None:
        text = f"Cannot find alias arn: {reference.arn}"
        raise errors.NotFoundError(text)
    return alias.describe(reference.arn)


async def delete(registry: Registry, call: Call) -> Answer:
    """DeleteAlias; one that is not there is as good as deleted."""
    function = registry.function(call)
    name = call.parameters["Name"]
    function.aliases.pop(name, None)
    function.event_configs.pop(name, None)
    function.policies.pop(name, None)
    return {}


async def list_(registry: Registry, call: Call) -> Answer:
    """ListAliases."""
    function = registry.function(call)
    number = call.parameters.get("FunctionVersion")
    described = {
        name: alias.describe(function.reference.at(name).arn)
        for name, alias in function.aliases.items()
        if number in (None, alias.version)
    }
    return page(call, "Aliases", described)


def _reference(call: Call) -> Reference:
    return reference_of(call).at(call.parameters["Name"])


def _weights(parameters: Mapping[str, Any]) -> dict[str, float]:
    return dict(parameters.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))


def _check_weights(
    function: Function, number: str, weights: Mapping[str, float]
) -> None:
    """Refuse as AWS does (LocalStack test_notfound_and_invalid_routingconfigs)."""
    if len(weights) > 1:
        text = "Number of items in AdditionalVersionWeights cannot be greater than 1"
        raise errors.invalid_parameter(text)
    for other in weights:
        if other == number:
            text = (
                f"Invalid function version {number}. Function version {number} is "
                "already included in routing configuration."
            )
            raise errors.invalid_parameter(text)
        if number == LATEST:
            text = (
                "$LATEST is not supported for an alias pointing to more than 1 version"
            )
            raise errors.invalid_parameter(text)
        function.version_state(other)
