"""The operations on functions themselves: make, show, list, change, delete."""

import asyncio
import shutil
from dataclasses import replace
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.api import (
    concurrency,
    configuration_validation,
    tags,
    versions,
)
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.function_reference import reference_of
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Answer, Call
from local_aws.local_lambda.runtime import code_package
from local_aws.local_lambda.runtime.code_package import Package


async def create(registry: Registry, call: Call) -> Answer:
    """CreateFunction."""
    parameters = call.parameters
    reference = reference_of(call)
    reference.refuse_as_new()
    settings = configuration_validation.merged(
        configuration_validation.DEFAULTS, parameters
    )
    tagged = dict(parameters.get("Tags", {}))
    tags.check(tagged)
    content = await registry.content(parameters["Code"])
    function = await registry.create(reference, content, settings, tagged)
    made = registry.publish(function) if parameters.get("Publish") else function.latest
    return made.describe(reference.unqualified_arn)


async def get(registry: Registry, call: Call) -> Answer:
    """GetFunction."""
    function = registry.function(call)
    await function.settle()
    reference = reference_of(call)
    answer: dict[str, Any] = {
        "Configuration": function.describe(reference.qualifier),
        "Code": {
            "RepositoryType": "S3",
            "Location": registry.code_location(reference.arn),
        },
    }
    if function.tags:
        answer["Tags"] = function.tags
    if function.runner.reserved is not None:
        answer["Concurrency"] = concurrency.describe(function)
    return answer


async def get_configuration(registry: Registry, call: Call) -> Answer:
    """GetFunctionConfiguration."""
    function = registry.function(call)
    await function.settle()
    return function.describe(reference_of(call).qualifier)


async def list_(registry: Registry, call: Call) -> Answer:
    """ListFunctions."""
    described: dict[str, Answer] = {}
    for function in registry.functions_in(call.region):
        name = function.reference.name
        if call.parameters.get("FunctionVersion") == "ALL":
            for key, version in versions.listed(function).items():
                described[f"{name}:{key}"] = version
        else:
            described[name] = versions.unlisted(function.describe())
    return page(call, "Functions", described)


async def update_code(registry: Registry, call: Call) -> Answer:
    """UpdateFunctionCode."""
    function = _changeable(registry, call)
    parameters = call.parameters
    configuration_validation.refuse_not_modelled(parameters)
    if "ImageUri" in parameters:
        text = (
            "Please don't provide ImageUri when updating a function with packageType "
            "Zip."
        )
        raise errors.invalid_parameter(text)
    content = await registry.content(parameters)
    async with function.disk:  # a deletion waits until it is known whether this stays
        layers = function.latest.version.layers
        code = await code_package.store(content, function.folder, layers)
        try:
            _refuse_outrun(registry, call, function, layers)
        except errors.LambdaError:
            await asyncio.to_thread(shutil.rmtree, code.folder)
            raise
        if parameters.get("DryRun"):
            await asyncio.to_thread(shutil.rmtree, code.folder)
            return function.describe()
    before = function.latest.version
    architectures = parameters.get("Architectures", before.settings["Architectures"])
    settings = {**before.settings, "Architectures": architectures}
    registry.change(function, replace(before, package=code, settings=settings))
    if parameters.get("Publish"):
        return function.describe(registry.publish(function).version.number)
    return function.describe()


async def update_configuration(registry: Registry, call: Call) -> Answer:
    """UpdateFunctionConfiguration."""
    function = _changeable(registry, call)
    before = function.latest.version
    settings = configuration_validation.merged(before.settings, call.parameters)
    layers = before.layers
    if "Layers" in call.parameters:
        named = call.parameters["Layers"]
        layers = registry.layers.packages(call.region, named, before.package)
    registry.change(function, replace(before, settings=settings, layers=layers))
    return function.describe()


async def delete(registry: Registry, call: Call) -> Answer:
    """DeleteFunction, or one version of it."""
    if reference_of(call).qualifier:
        versions.delete(registry, call)
    else:
        await registry.delete(registry.function(call))
    return {}


def _refuse_outrun(
    registry: Registry, call: Call, function: Function, layers: tuple[Package, ...]
) -> None:
    """Refuse the code if the function or its layers changed while it was unpacked."""
    if _changeable(registry, call) is not function:
        raise errors.function_not_found(function.reference.arn)
    if function.latest.version.layers is not layers:
        raise errors.update_in_progress(function.reference.unqualified_arn)


def _changeable(registry: Registry, call: Call) -> Function:
    reference_of(call).refuse_published()
    function = registry.function(call)
    function.refuse_change(call.parameters.get("RevisionId"))
    return function
