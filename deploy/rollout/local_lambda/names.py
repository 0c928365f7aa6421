"""The ways a caller may spell a function: name, name and qualifier, ARN."""

import re
from dataclasses import dataclass

from rollout.local_lambda import errors

ACCOUNT = "123456789012"  # moto's account, so that both halves agree

_SPELLING = re.compile(
    r"(arn:[a-z-]+:lambda:)?((?P<region>[a-z]{2}[a-z-]*-\d):)?(\d{12}:)?(function:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)(:(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """
    A function as a caller named it.

    Attributes:
        region: Where it lives.

        name: Its plain name.

        qualifier: Version or alias asked for, or None.
    """

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

    def refuse_qualifier(self) -> None:
        """Raise if a version or alias is named where only functions will do."""
        if self.qualifier:
            text = (
                "This operation is permitted on Lambda functions only. Aliases and "
                "versions do not support this operation. Please specify either a "
                "function name or an unqualified function ARN."
            )
            raise errors.invalid_parameter(text)


def resolve(spelling: str, region: str, qualifier: str | None = None) -> Reference:
    """
    Read a function's name, partial ARN or ARN.

    Args:
        spelling: What the caller passed as ``FunctionName``.

        region: The region the request was signed for.

        qualifier: What the caller passed as ``Qualifier``.

    >>> resolve("123456789012:function:f:$LATEST", "us-east-1")
    Reference(region='us-east-1', name='f', qualifier='$LATEST')
    """
    match = _SPELLING.fullmatch(spelling)
    if match is None:
        problem = f"Value '{spelling}' at 'functionName' is malformed"
        raise errors.validation([problem])
    theirs = match["region"] or region
    if theirs != region:
        raise errors.other_region(theirs, region)
    return Reference(region, match["name"], qualifier or match["qualifier"])
