"""
Retries and maximum age of events, for each version and alias.

Shown as in LocalStack's test_lambda_eventinvokeconfig_*.
"""

import time
from collections.abc import Mapping
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.function_reference import Reference, reference_of
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Answer, Call
from local_aws.local_lambda.runtime.version import LATEST

_LIMITS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")


async def put(registry: Registry, call: Call) -> Answer:
    """PutFunctionEventInvokeConfig."""
    function, reference = _target(registry, call)
    return _configure(function, reference, call, {})


async def update(registry: Registry, call: Call) -> Answer:
    """UpdateFunctionEventInvokeConfig."""
    function, reference = _target(registry, call)
    _, before = _existing(registry, reference)
    return _configure(function, reference, call, before)


async def get(registry: Registry, call: Call) -> Answer:
    """GetFunctionEventInvokeConfig."""
    reference = _qualified(call)
    _, config = _existing(registry, reference)
    return _described(reference, config)


async def delete(registry: Registry, call: Call) -> Answer:
    """DeleteFunctionEventInvokeConfig."""
    reference = _qualified(call)
    function, _ = _existing(registry, reference)
    del function.event_configs[reference.qualifier or LATEST]
    return {}


async def list_(registry: Registry, call: Call) -> Answer:
    """ListFunctionEventInvokeConfigs."""
    reference = _qualified(call)
    function = registry.get(reference)
    if function is None:
        raise _no_function()
    described = {
        qualifier: _described(reference.at(qualifier), config)
        for qualifier, config in function.event_configs.items()
    }
    return page(call, "FunctionEventInvokeConfigs", described)


def _target(registry: Registry, call: Call) -> tuple[Function, Reference]:
    if not call.parameters.keys() & {*_LIMITS, "DestinationConfig"}:
        text = "You must specify at least one of error handling or destination setting."
        raise errors.invalid_parameter(text)
    reference = _qualified(call)
    function = registry.get(reference)
    try:
        if function is not None:
            function.version_state(reference.qualifier)
            return function, reference
    except errors.NotFoundError:
        pass
    raise _no_function()


def _configure(
    function: Function,
    reference: Reference,
    call: Call,
    before: Mapping[str, Any],
) -> Answer:
    parameters = call.parameters
    for destination in parameters.get("DestinationConfig", {}).values():
        if destination.get("Destination"):
            what = "DestinationConfig"
            raise errors.not_modelled(what)
    limits = {name: parameters[name] for name in _LIMITS if name in parameters}
    config = {**before, **limits, "LastModified": time.time()}
    function.event_configs[reference.qualifier or LATEST] = config
    return _described(reference, config)


def _described(reference: Reference, config: Mapping[str, Any]) -> Answer:
    answer = {"DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}, **config}
    return {"FunctionArn": reference.arn, **answer}


def _existing(
    registry: Registry, reference: Reference
) -> tuple[Function, Mapping[str, Any]]:
    function = registry.get(reference)
    configs = function.event_configs if function else {}
    config = configs.get(reference.qualifier or LATEST)
    if function is None or config is None:
        text = f"The function {reference.arn} doesn't have an EventInvokeConfig"
        raise errors.NotFoundError(text)
    return function, config


def _qualified(call: Call) -> Reference:
    reference = reference_of(call)
    return reference.at(reference.qualifier or LATEST)


def _no_function() -> errors.NotFoundError:
    return errors.NotFoundError("The function doesn't exist.")
