"""Tags of functions; their versions and aliases have none."""

from collections.abc import Mapping

from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.function_reference import resolve
from local_aws.local_lambda.requests.service_model import Answer, Call

_MOST = 50  # AWS's documentation of tags on Lambda functions


async def tag(registry: Registry, call: Call) -> Answer:
    """TagResource."""
    function = _tagged(registry, call)
    if not call.parameters["Tags"]:
        text = "An error occurred and the request cannot be processed."
        raise errors.invalid_parameter(text)
    tags = function.tags | call.parameters["Tags"]
    check(tags)
    function.tags = tags
    function.latest.renew_revision()
    return {}


async def untag(registry: Registry, call: Call) -> Answer:
    """UntagResource."""
    function = _tagged(registry, call)
    for key in call.parameters["TagKeys"]:
        function.tags.pop(key, None)
    function.latest.renew_revision()
    return {}


async def list_(registry: Registry, call: Call) -> Answer:
    """ListTags."""
    return {"Tags": _tagged(registry, call).tags}


def check(tags: Mapping[str, str]) -> None:
    """Raise if a function cannot have that many."""
    if len(tags) > _MOST:
        text = "Number of tags exceeds resource tag limit."
        raise errors.invalid_parameter(text)


def _tagged(registry: Registry, call: Call) -> Function:
    reference = resolve(call.parameters["Resource"], call.region)
    if reference.qualifier:
        text = (
            "Tags on function aliases and versions are not supported. Please specify a "
            "function ARN."
        )
        raise errors.invalid_parameter(text)
    return registry.find(reference)
