"""The operations on functions themselves: make, show, list, change, delete."""

import asyncio
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.api import concurrency, configuration, tags, versions
from local_aws.local_lambda.requests.names import reference_of
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Answer, Call
from local_aws.local_lambda.runtime import code_package

if TYPE_CHECKING:
    from local_aws.local_lambda.functions.function import Function
    from local_aws.local_lambda.functions.registry import Control


async def create(control: "Control", call: Call) -> Answer:
    """CreateFunction."""
    asked = call.parameters
    reference = reference_of(call)
    reference.refuse_as_new()
    configured = configuration.merged(configuration.DEFAULTS, asked)
    tagged = dict(asked.get("Tags", {}))
    tags.check(tagged)
    content = await control.content(asked["Code"])
    function = await control.create(reference, content, configured, tagged)
    shown = control.publish(function) if asked.get("Publish") else function.latest
    return shown.describe(reference.unqualified_arn)


async def get(control: "Control", call: Call) -> Answer:
    """GetFunction."""
    function = control.function(call)
    function.settle()
    reference = reference_of(call)
    answer: dict[str, Any] = {
        "Configuration": function.describe(reference.qualifier),
        "Code": {
            "RepositoryType": "S3",
            "Location": control.code_location(reference.arn),
        },
    }
    if function.tags:
        answer["Tags"] = function.tags
    if function.runner.reserved is not None:
        answer["Concurrency"] = concurrency.describe(function)
    return answer


async def get_configuration(control: "Control", call: Call) -> Answer:
    """GetFunctionConfiguration."""
    function = control.function(call)
    function.settle()
    return function.describe(reference_of(call).qualifier)


async def list_(control: "Control", call: Call) -> Answer:
    """ListFunctions."""
    described: dict[str, Answer] = {}
    for function in control.functions_in(call.region):
        name = function.reference.name
        if call.parameters.get("FunctionVersion") == "ALL":
            for key, version in versions.listed(function).items():
                described[f"{name}:{key}"] = version
        else:
            described[name] = versions.unlisted(function.describe())
    shown, next_page = page(call, described)
    return {"Functions": shown, **next_page}


async def update_code(control: "Control", call: Call) -> Answer:
    """UpdateFunctionCode."""
    function = _changeable(control, call)
    asked = call.parameters
    configuration.refuse_not_modelled(asked)
    if "ImageUri" in asked:
        text = (
            "Please don't provide ImageUri when updating a function with packageType "
            "Zip."
        )
        raise errors.invalid_parameter(text)
    content = await control.content(asked)
    async with function.disk:
        code = await code_package.store(content, function.folder)
    try:
        if _changeable(control, call) is not function:
            raise errors.function_not_found(function.reference.arn)
    except errors.LambdaError:  # somebody was faster
        await asyncio.to_thread(shutil.rmtree, code.folder)
        raise
    if asked.get("DryRun"):
        await asyncio.to_thread(shutil.rmtree, code.folder)
        return function.describe()
    before = function.latest.version
    architectures = asked.get("Architectures", before.settings["Architectures"])
    configured = {**before.settings, "Architectures": architectures}
    control.change(function, replace(before, package=code, settings=configured))
    if asked.get("Publish"):
        return function.describe(control.publish(function).version.number)
    return function.describe()


async def update_configuration(control: "Control", call: Call) -> Answer:
    """UpdateFunctionConfiguration."""
    function = _changeable(control, call)
    before = function.latest.version
    configured = configuration.merged(before.settings, call.parameters)
    control.change(function, replace(before, settings=configured))
    return function.describe()


async def delete(control: "Control", call: Call) -> Answer:
    """DeleteFunction, or one version of it."""
    if reference_of(call).qualifier:
        versions.delete(control, call)
    else:
        await control.delete(control.function(call))
    return {}


def _changeable(control: "Control", call: Call) -> "Function":
    reference_of(call).refuse_published()
    function = control.function(call)
    function.refuse_change(call.parameters.get("RevisionId"))
    return function
