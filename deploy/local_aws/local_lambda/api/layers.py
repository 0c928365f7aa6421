"""Layers published, listed, shown, deleted."""

from collections.abc import Iterator
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.layers import LayerVersion, layer_arn
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Answer, Call

_DETAILS = ("CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")


async def publish(registry: Registry, call: Call) -> Answer:
    """PublishLayerVersion."""
    parameters = call.parameters
    content = await registry.content(parameters["Content"])
    details = {name: parameters[name] for name in _DETAILS if name in parameters}
    details["Description"] = parameters.get("Description", "")
    name = parameters["LayerName"]
    made = await registry.layers.publish(call.region, name, content, details)
    return _whole(registry, made)


async def list_(registry: Registry, call: Call) -> Answer:
    """ListLayers, each with its newest version that matches."""
    newest: dict[str, Answer] = {}
    for version in _matching(registry, call):
        entry = {
            "LayerName": version.name,
            "LayerArn": version.layer_arn,
            "LatestMatchingVersion": _described(version),
        }
        newest.setdefault(version.name, entry)
    return page(call, "Layers", newest)


async def list_versions(registry: Registry, call: Call) -> Answer:
    """ListLayerVersions, the newest first; of no layer there are none."""
    found = _matching(registry, call, call.parameters["LayerName"])
    described = {
        f"{place:010}": _described(version) for place, version in enumerate(found)
    }
    return page(call, "LayerVersions", described)


async def get(registry: Registry, call: Call) -> Answer:
    """GetLayerVersion, GetLayerVersionByArn."""
    found = registry.layers.find(_arn(call))
    if found is None:
        raise errors.no_resource()
    return _whole(registry, found)


async def delete(registry: Registry, call: Call) -> Answer:
    """DeleteLayerVersion; functions that have it keep it."""
    registry.layers.delete(_arn(call))
    return {}


def _matching(registry: Registry, call: Call, name: str = "") -> Iterator[LayerVersion]:
    for version in registry.layers.versions(call.region, name):
        details = version.details
        wanted = (
            ("CompatibleRuntime", details.get("CompatibleRuntimes", ())),
            ("CompatibleArchitecture", details.get("CompatibleArchitectures", ())),
        )
        if all(call.parameters.get(key) in (None, *allowed) for key, allowed in wanted):
            yield version


def _arn(call: Call) -> str:
    parameters = call.parameters
    if "Arn" in parameters:
        return layer_arn(call.region, parameters["Arn"])
    arn = layer_arn(call.region, parameters["LayerName"])
    return f"{arn}:{parameters['VersionNumber']}"


def _described(version: LayerVersion) -> dict[str, Any]:
    return {
        **version.details,
        "LayerVersionArn": version.arn,
        "Version": version.number,
        "CreatedDate": version.created,
    }


def _whole(registry: Registry, version: LayerVersion) -> Answer:
    content = {
        "Location": registry.code_location(version.arn),
        "CodeSha256": version.package.sha256,
        "CodeSize": version.package.size,
    }
    return {**_described(version), "LayerArn": version.layer_arn, "Content": content}
