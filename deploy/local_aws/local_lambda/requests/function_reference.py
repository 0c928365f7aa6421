"""The spellings of a function: name, name and qualifier, ARN."""

import re
from dataclasses import dataclass, replace
from typing import Self

from local_aws.local_lambda import errors
from local_aws.local_lambda.requests.service_model import Call, pattern_of
from local_aws.local_lambda.runtime.version import LATEST

ACCOUNT = "123456789012"  # moto's account, so that both halves agree

_NAME_CHARACTERS = 64

_SPELLING = re.compile(
    r"(arn:[a-z-]+:lambda:)?((?P<region>[a-z]{2}[a-z-]*-\d):)?((?P<account>\d{12}):)?"
    r"(function:)?(?P<name>[a-zA-Z0-9-_.]+)"
    r"(:(?P<qualifier>\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A function as a caller named it."""

    region: str
    name: str
    qualifier: str | None

    @property
    def unqualified_arn(self) -> str:
        """The function's own ARN."""
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{self.name}"

    @property
    def arn(self) -> str:
        """The ARN as invoked: with a suffix only if the caller gave one."""
        suffix = f":{self.qualifier}" if self.qualifier else ""
        return self.unqualified_arn + suffix

    def at(self, qualifier: str | None) -> Self:
        """Return a reference to a version or alias of the same function."""
        return replace(self, qualifier=qualifier)

    def refuse_qualifier(self) -> None:
        """Raise if a version or alias is named where only functions will do."""
        if self.qualifier:
            text = (
                "This operation is permitted on Lambda functions only. Aliases and "
                "versions do not support this operation. Please specify either a "
                "function name or an unqualified function ARN."
            )
            raise errors.invalid_parameter(text)

    def refuse_published(self) -> None:
        """Raise if something is named that cannot be changed."""
        if self.qualifier not in (None, LATEST):
            # The text is in appleboy/lambda-action#6.
            text = "Current operation does not support versions other than $LATEST"
            raise errors.invalid_parameter(text)

    def refuse_as_new(self) -> None:
        """Raise if no function can be created under this name."""
        if self.qualifier:
            problem = (
                f"Value '{self.arn}' at 'functionName' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: "
                f"{pattern_of('FunctionName')}"
            )
            raise errors.validation([problem])
        if len(self.name) > _NAME_CHARACTERS:
            text = (
                f"1 validation error detected: Value '{self.name}' at 'functionName' "
                "failed to satisfy constraint: Member must have length less than or "
                f"equal to {_NAME_CHARACTERS}"
            )
            raise errors.invalid_parameter(text)


def reference_of(call: Call) -> Reference:
    """Read the function that a call names."""
    name, qualifier = call.parameters["FunctionName"], call.parameters.get("Qualifier")
    return resolve(name, call.region, qualifier)


def resolve(spelling: str, region: str, qualifier: str | None = None) -> Reference:
    """
    Read a function's name, partial ARN or ARN.

    >>> resolve("123456789012:function:f:$LATEST", "us-east-1")
    Reference(region='us-east-1', name='f', qualifier='$LATEST')
    """
    match = _SPELLING.fullmatch(spelling)
    if match is None:
        problem = f"Value '{spelling}' at 'functionName' is malformed"
        raise errors.validation([problem])
    if match["account"] not in (None, ACCOUNT):
        raise errors.other_account(match["account"], ACCOUNT)
    theirs = match["region"] or region
    if theirs != region:
        raise errors.other_region(theirs, region)
    if qualifier and match["qualifier"] not in (None, qualifier):
        text = (
            "The derived qualifier from the function name does not match the specified "
            "qualifier."
        )
        raise errors.invalid_parameter(text)
    return Reference(region, match["name"], qualifier or match["qualifier"])
