"""Published versions: made from ``$LATEST``, never changed, listed, deleted."""

from local_aws.local_lambda import errors
from local_aws.local_lambda.api import configuration_validation
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.function_reference import reference_of
from local_aws.local_lambda.requests.paging import page
from local_aws.local_lambda.requests.service_model import Answer, Call


async def publish(registry: Registry, call: Call) -> Answer:
    """PublishVersion; the newest one again if nothing has changed since."""
    parameters = call.parameters
    configuration_validation.refuse_not_modelled(parameters)
    reference_of(call).refuse_published()
    function = registry.function(call)
    function.refuse_change(parameters.get("RevisionId"))
    theirs, ours = parameters.get("CodeSha256"), function.latest.version.package.sha256
    if theirs and theirs != ours:
        text = (
            f"CodeSHA256 ({theirs}) is different from current CodeSHA256 in $LATEST "
            f"({ours}). Please try again with the CodeSHA256 in $LATEST."
        )
        raise errors.invalid_parameter(text)
    published = registry.publish(function, parameters.get("Description"))
    return function.describe(published.version.number)


async def list_(registry: Registry, call: Call) -> Answer:
    """ListVersionsByFunction."""
    return page(call, "Versions", listed(registry.function(call)))


def listed(function: Function) -> dict[str, Answer]:
    """Describe all versions of a function, by keys in whose order they are listed."""
    numbers = [d.version.number for d in function.version_states()]
    return {
        f"{place:010}": unlisted(function.describe(number))
        for place, number in enumerate(numbers)
    }


def unlisted(described: Answer) -> Answer:
    """Leave out what lists do not show, says the documentation of ListFunctions."""
    left_out = ("State", "LastUpdateStatus", "RuntimeVersionConfig")
    return {k: v for k, v in described.items() if not k.startswith(left_out)}


def delete(registry: Registry, call: Call) -> None:
    """Delete the version a call names; one that is not there is no mistake."""
    reference = reference_of(call)
    number = str(reference.qualifier)
    if number.startswith("$"):
        text = "$LATEST version cannot be deleted without deleting the function."
        raise errors.invalid_parameter(text)
    if not number.isdecimal():
        text = "Deletion of aliases is not currently supported."
        raise errors.invalid_parameter(text)
    function = registry.find(reference.at(None))
    names = [a.name for a in function.aliases.values() if a.stands_for(number)]
    if names:
        text = (
            "Unable to delete version because the following aliases reference it: "
            f"[{', '.join(sorted(names))}]"
        )
        raise errors.conflict(text)
    registry.withdraw(function, number)
