"""Refusals that are no failures: they pass, a thing is not there, or all is done."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from rollout.target.aws_errors import code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_PATIENCE_S = 60.0
_SHOWN_WITHIN_S = 20.0  # what botocore's waiter `role_exists` allows
_PAUSE_S = 1.0
_TRANSIENT = (
    # A new role is not known everywhere at once; until then Lambda refuses it.
    "cannot be assumed by Lambda",
    "execution role does not have permissions to call",  # ... CreateNetworkInterface
    # So does KMS, which decrypts the environment variables for it.
    # https://github.com/hashicorp/terraform-provider-aws/issues/4633
    "ARN does not refer to a valid principal",
    # Nor does IAM itself know a new role everywhere, when policies are put.
    # https://github.com/hashicorp/terraform-provider-aws/issues/18435
    "NoSuchEntity",
    # Lambda asks EC2 about the network; Terraform's aws_lambda_function waits, too.
    "throttled by EC2",
    # Somebody else changes the same function, log group or role at this moment.
    "An update is in progress for resource",
    "in the following state: Pending",
    "OperationAbortedException",
    "ConcurrentModification",
)


def retry_while_transient(call: Callable[[], object]) -> None:
    """Make a call, and repeat it while AWS refuses for a transient reason."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            call()
        except ClientError as error:
            is_transient = any(text in str(error) for text in _TRANSIENT)
            if not is_transient or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def retry_until_shown(remove: Callable[[], bool]) -> bool:
    """
    Remove something just created; repeat it while AWS does not show it yet.

    Returns:
        Whether it was removed.
    """
    end = time.monotonic() + _SHOWN_WITHIN_S
    while not (is_removed := remove()) and time.monotonic() < end:
        time.sleep(_PAUSE_S)
    return is_removed


def unless_absent(ask: Callable[[], T], code: str) -> T | None:
    """Return what AWS answers; None if its refusal says that there is no such thing."""
    with unless_done(code):
        return ask()
    return None


@contextmanager
def unless_done(code: str) -> Iterator[None]:
    """
    Ignore a refusal, by which AWS says that a thing is there, or gone, already.

    A call before this one, whose answer got lost, did it, or somebody else did.
    """
    try:
        yield
    except ClientError as error:
        if code_of(error) != code:
            raise
