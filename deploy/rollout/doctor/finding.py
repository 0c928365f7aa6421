"""One answer of the doctor's: ok, not ok, or not to be seen."""

from __future__ import annotations

from textwrap import fill
from typing import NamedTuple

from rollout.target.aws_errors import denied_action, message_of

OK, NOT_OK, COULD_NOT_LOOK = STATES = ("ok", "not ok", "could not look")
GRANT = (
    "aws iam create-policy --policy-name million-downloads --policy-document "
    "file://deploy/permissions.json  # then attach it: First day in deploy/README.md"
)
FUNCTION_PREFIX = "million-downloads"  # what names begin with that the policy is for
_SUBJECT_WIDTH, _WIDTH = 11, 100
_STATE_WIDTH = max(map(len, STATES))


class Finding(NamedTuple):
    """
    One answer.

    Attributes:
        state: One of `STATES`.

        detail: What was found, in words.

        remedy: The command, or the step, that fixes it; empty: nothing needs fixing.

    >>> print(Finding("region", OK, "eu-west-1"))
    ok              region       eu-west-1
    """

    subject: str
    state: str
    detail: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return it wrapped, and below it the remedy: a line, so it can be copied."""
        head = f"{self.state:<{_STATE_WIDTH}}  {self.subject:<{_SUBJECT_WIDTH}}  "
        indent = " " * len(head)
        lines = fill(
            self.detail,
            _WIDTH,
            initial_indent=head,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return f"{lines}\n{indent}fix: {self.remedy}" if self.remedy else lines


def grant(function: str) -> str:
    """Return what grants a function of this name, which the policy may not be for."""
    if function.startswith(FUNCTION_PREFIX):
        return GRANT
    return (
        f"in deploy/permissions.json replace {FUNCTION_PREFIX} by {function} in the "
        f"ARNs of functions and log groups; then {GRANT}"
    )


def unseen(subject: str, error: Exception, *, state: str = COULD_NOT_LOOK) -> Finding:
    """Return that AWS refused to show something; for a denial with what to allow."""
    cause = error.__cause__ or error  # of a DeployError
    if action := denied_action(cause):
        return Finding(subject, state, f"{action} is denied", GRANT)
    return Finding(subject, state, message_of(error))
