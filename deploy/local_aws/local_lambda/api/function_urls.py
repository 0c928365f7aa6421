"""The operations on function URLs."""

from dataclasses import replace
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda import url_errors as refusals
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.function_url import FunctionUrl, url_timestamp
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.function_reference import Reference, reference_of
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Answer, Call

_SETTINGS = {"AuthType", "Cors", "InvokeMode"}


async def create(registry: Registry, call: Call) -> Answer:
    """CreateFunctionUrlConfig."""
    settings = _settings(call)
    function, reference = _target(registry, call)
    _refuse_second(function, reference)
    address = await registry.urls.open(function, reference.qualifier)
    try:
        _target(registry, call)
        _refuse_second(function, reference)
    except errors.LambdaError:  # another call was faster
        registry.urls.close(address)
        raise
    url = FunctionUrl(reference=reference, address=address, settings=settings)
    function.urls[reference.qualifier] = url
    return url.describe_new()


async def get(registry: Registry, call: Call) -> Answer:
    """GetFunctionUrlConfig."""
    _, url = _existing(registry, call)
    return url.describe()


async def update(registry: Registry, call: Call) -> Answer:
    """UpdateFunctionUrlConfig; settings not given stay."""
    settings = _settings(call)
    _target(registry, call)
    function, url = _existing(registry, call)
    settings = {**url.settings, **settings}
    changed = replace(url, settings=settings, modified=url_timestamp())
    function.urls[url.reference.qualifier] = changed
    return changed.describe()


async def delete(registry: Registry, call: Call) -> Answer:
    """DeleteFunctionUrlConfig; running invocations may finish."""
    function, url = _existing(registry, call)
    del function.urls[url.reference.qualifier]
    registry.urls.close(url.address)
    return {}


async def list_(registry: Registry, call: Call) -> Answer:
    """ListFunctionUrlConfigs."""
    function = registry.get(reference_of(call))
    if function is None:
        raise refusals.no_function()
    described = {url.reference.arn: url.describe() for url in function.urls.values()}
    return page(call, "FunctionUrlConfigs", described)


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
        raise errors.no_resource()
    return function, url


def _settings(call: Call) -> dict[str, Any]:
    given = {name: call.parameters[name] for name in _SETTINGS & call.parameters.keys()}
    if given.get("InvokeMode") == "RESPONSE_STREAM":
        what = "InvokeMode RESPONSE_STREAM"
        raise errors.not_modelled(what)
    return given
