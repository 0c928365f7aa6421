"""
Resource policies of functions, versions and aliases.

Statements, policies and refusals are as LocalStack recorded them, test_lambda_api
``TestLambdaPermissions`` (2022-12 to 2023-11), unless a line says otherwise. Whether a
principal, an action or a source exists is not checked. Not recorded, so our reading: a
policy goes with its alias, and InvokedViaFunctionUrl can be asked to be false.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.public_access import CALL_URL, Policy
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.function_reference import Reference, reference_of
from local_aws.local_lambda.requests.service_model import Answer, Call
from local_aws.local_lambda.runtime.version import LATEST

_MOST_BYTES = 20_480  # AWS docs gettingstarted-limits
_CONDITIONS = {
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    # AWS docs urls-auth
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
}


async def add(registry: Registry, call: Call) -> Answer:
    """AddPermission."""
    parameters = call.parameters
    reference = reference_of(call)
    if reference.qualifier == LATEST:
        # The text is in terraform-aws-modules/terraform-aws-lambda#36.
        text = "We currently do not support adding policies for $LATEST."
        raise errors.invalid_parameter(text)
    function = registry.find(reference.at(None))
    _refuse_unknown(function, reference)
    _refuse_stale(function, call, reference)
    policy = function.policies.get(reference.qualifier, {})
    sid = parameters["StatementId"]
    if sid in policy:
        text = (
            f"The statement id ({sid}) provided already exists. Please provide a new "
            "statement id, or remove the existing statement."
        )
        raise errors.conflict(text)
    statement = _statement(parameters, reference.arn)
    changed = {**policy, sid: statement}
    _refuse_too_long(changed)
    function.policies[reference.qualifier] = changed
    _renew_revision(function, reference)
    return {"Statement": _compact(statement)}


async def get(registry: Registry, call: Call) -> Answer:
    """GetPolicy."""
    reference = _target(call)
    function = registry.find(reference.at(None))
    policy = function.policies.get(reference.qualifier)
    if not policy:
        raise errors.no_resource()
    return {
        "Policy": _compact(_document(policy)),
        "RevisionId": _revision(function, reference),
    }


async def remove(registry: Registry, call: Call) -> Answer:
    """RemovePermission; a policy goes with its last statement."""
    reference = _target(call)
    function = registry.get(reference)
    if function is None:
        text = f"No policy found for: {reference.unqualified_arn}"
        raise errors.NotFoundError(text)
    _refuse_unknown(function, reference)
    policy = function.policies.get(reference.qualifier)
    if not policy:
        text = "No policy is associated with the given resource."
        raise errors.NotFoundError(text)
    sid = call.parameters["StatementId"]
    if sid not in policy:
        text = f"Statement {sid} is not found in resource policy."
        raise errors.NotFoundError(text)
    _refuse_stale(function, call, reference)
    function.policies[reference.qualifier] = {
        key: statement for key, statement in policy.items() if key != sid
    }
    _renew_revision(function, reference)
    return {}


def _statement(parameters: Mapping[str, Any], arn: str) -> dict[str, Any]:
    if "FunctionUrlAuthType" in parameters and parameters["Action"] != CALL_URL:
        # The text is in RJPearson94/terraform-aws-open-next#73.
        text = f"FunctionUrlAuthType is only supported for {CALL_URL} action"
        raise errors.invalid_parameter(text)
    statement: dict[str, Any] = {
        "Sid": parameters["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(parameters["Principal"]),
        "Action": parameters["Action"],
        "Resource": arn,
    }
    conditions: dict[str, dict[str, str]] = {}
    for parameter, (operator, key) in _CONDITIONS.items():
        if parameter in parameters:
            value = parameters[parameter]
            text = json.dumps(value) if isinstance(value, bool) else value
            conditions.setdefault(operator, {})[key] = text
    return statement | ({"Condition": conditions} if conditions else {})


def _principal(spelled: str) -> str | dict[str, str]:
    """
    Spell a principal as policies do.

    >>> _principal("123456789012")
    {'AWS': 'arn:aws:iam::123456789012:root'}
    """
    if spelled == "*":
        return spelled
    if spelled.endswith((".amazonaws.com", ".amazon.com")):
        return {"Service": spelled}
    if re.fullmatch(r"\d{12}", spelled):
        return {"AWS": f"arn:aws:iam::{spelled}:root"}
    if re.match(r"arn:aws[a-z-]*:iam:", spelled):
        return {"AWS": spelled}
    text = (
        "The provided principal was invalid. Please check the principal and try again."
    )
    raise errors.invalid_parameter(text)


def _document(policy: Policy) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": list(policy.values()),
    }


def _compact(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def _target(call: Call) -> Reference:
    reference = reference_of(call)
    return reference.at(None) if reference.qualifier == LATEST else reference


def _refuse_unknown(function: Function, reference: Reference) -> None:
    qualifier = reference.qualifier
    if qualifier and not qualifier.isdecimal() and qualifier not in function.aliases:
        text = f"Cannot find alias arn: {reference.arn}"
        raise errors.NotFoundError(text)
    function.version_state(qualifier)


def _refuse_stale(function: Function, call: Call, reference: Reference) -> None:
    revision = _revision(function, reference)
    if call.parameters.get("RevisionId", revision) != revision:
        raise errors.stale_revision()


def _refuse_too_long(policy: Policy) -> None:
    size = len(_compact(_document(policy)))
    if size > _MOST_BYTES:
        # The text is in adobe/helix-deploy#24.
        text = (
            f"The final policy size ({size}) is bigger than the limit ({_MOST_BYTES})."
        )
        raise errors.LambdaError(400, "PolicyLengthExceededException", text)


def _revision(function: Function, reference: Reference) -> str:
    alias = function.aliases.get(reference.qualifier or LATEST)
    owner = alias or function.version_state(reference.qualifier)
    return owner.revision


def _renew_revision(function: Function, reference: Reference) -> None:
    alias = function.aliases.get(reference.qualifier or LATEST)
    if alias:
        function.aliases[alias.name] = alias.renewed()
    else:
        function.version_state(reference.qualifier).renew_revision()
