"""The operations on function URLs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda import url_errors as refusals
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.function_url import FunctionUrl, timestamp
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.names import Reference, reference_of
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Answer, Call


async def create(registry: Registry, call: Call) -> Answer:
    """CreateFunctionUrlConfig."""
    parameters = call.parameters
    _refuse_streaming(parameters)
    function, reference = _target(registry, call)
    _refuse_second(function, reference)
    address = await registry.open_url(function, reference.qualifier)
    try:
        _target(registry, call)
        _refuse_second(function, reference)
    except errors.LambdaError:  # another call was faster
        registry.close_url(address)
        raise
    url = FunctionUrl(
        reference=reference,
        address=address,
        auth_type=parameters["AuthType"],
        cors=parameters.get("Cors", {}),
        invoke_mode=parameters.get("InvokeMode"),
    )
    function.urls[reference.qualifier] = url
    return url.describe_new()


async def get(registry: Registry, call: Call) -> Answer:
    """GetFunctionUrlConfig."""
    _, url = _existing(registry, call)
    return url.describe()


async def update(registry: Registry, call: Call) -> Answer:
    """UpdateFunctionUrlConfig; settings not given stay."""
    parameters = call.parameters
    _refuse_streaming(parameters)
    _target(registry, call)
    function, url = _existing(registry, call)
    changed = replace(
        url,
        auth_type=parameters.get("AuthType", url.auth_type),
        cors=parameters.get("Cors", url.cors),
        invoke_mode=parameters.get("InvokeMode", url.invoke_mode),
        modified=timestamp(),
    )
    function.urls[url.reference.qualifier] = changed
    return changed.describe()


async def delete(registry: Registry, call: Call) -> Answer:
    """DeleteFunctionUrlConfig; running invocations may finish."""
    function, url = _existing(registry, call)
    del function.urls[url.reference.qualifier]
    registry.close_url(url.address)
    return {}


async def list_(registry: Registry, call: Call) -> Answer:
    """ListFunctionUrlConfigs."""
    function = registry.get(reference_of(call))
    if function is None:
        raise refusals.no_function()
    described = {url.reference.arn: url.describe() for url in function.urls.values()}
    entries, next_page = page(call, described)
    return {"FunctionUrlConfigs": entries, **next_page}


def _target(registry: Registry, call: Call) -> tuple[Function, Reference]:
    reference = reference_of(call)
    function = registry.get(reference)
    alias = reference.qualifier
    if function is None or (alias and alias not in function.aliases):
        raise refusals.no_function()
    return function, reference


def _refuse_second(function: Function, reference: Reference) -> None:
    if reference.qualifier in function.urls:
        raise refusals.exists(reference.arn)


def _existing(registry: Registry, call: Call) -> tuple[Function, FunctionUrl]:
    reference = reference_of(call)
    function = registry.get(reference)
    url = function and function.urls.get(reference.qualifier)
    if not function or not url:
        raise refusals.no_url()
    return function, url


def _refuse_streaming(parameters: Mapping[str, Any]) -> None:
    if parameters.get("InvokeMode") == "RESPONSE_STREAM":
        what = "InvokeMode RESPONSE_STREAM"
        raise errors.not_modelled(what)
