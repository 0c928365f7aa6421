"""Retries and maximum age of events, for each version and alias."""

import time

from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.event_config import EventConfig
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.names import Reference, reference_of
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Answer, Call
from local_aws.local_lambda.runtime.version import LATEST

_SETTINGS = (
    "MaximumRetryAttempts",
    "MaximumEventAgeInSeconds",
    "DestinationConfig",
)


async def put(registry: Registry, call: Call) -> Answer:
    """PutFunctionEventInvokeConfig."""
    function, reference = _target(registry, call)
    return _configure(function, reference, call, retries=None, age_s=None)


async def update(registry: Registry, call: Call) -> Answer:
    """UpdateFunctionEventInvokeConfig."""
    function, reference = _target(registry, call)
    _, before = _existing(registry, reference)
    return _configure(function, reference, call, before.retries, before.age_s)


async def get(registry: Registry, call: Call) -> Answer:
    """GetFunctionEventInvokeConfig."""
    reference = _qualified(call)
    _, config = _existing(registry, reference)
    return config.describe(reference.arn)


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
        qualifier: config.describe(reference.at(qualifier).arn)
        for qualifier, config in function.event_configs.items()
    }
    entries, next_page = page(call, described)
    return {"FunctionEventInvokeConfigs": entries, **next_page}


def _target(registry: Registry, call: Call) -> tuple[Function, Reference]:
    if not any(name in call.parameters for name in _SETTINGS):
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
    retries: int | None,
    age_s: int | None,
) -> Answer:
    parameters = call.parameters
    for destination in parameters.get("DestinationConfig", {}).values():
        if destination.get("Destination"):
            what = "DestinationConfig"
            raise errors.not_modelled(what)
    config = EventConfig(
        parameters.get("MaximumRetryAttempts", retries),
        parameters.get("MaximumEventAgeInSeconds", age_s),
        time.time(),
    )
    function.event_configs[reference.qualifier or LATEST] = config
    return config.describe(reference.arn)


def _existing(registry: Registry, reference: Reference) -> tuple[Function, EventConfig]:
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
