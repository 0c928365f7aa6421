"""
Every way a roll-out can be refused or fail.

* RolloutError           each is a sentence: the thing, its value, the rule, what to do
  x SettingError         a value no function could be deployed or called with
  x TargetError          the target is unknown, silent, or lets nobody in
  x BundleError          no zip could be made
  x DeployError          the function could not be made, changed or removed
  x PreflightError       what is wanted cannot work there: every reason at once
  x InvokeError          the API refused the call
  x ServiceError         the service at the function's URL refused, or does not answer
    x BusyError          Lambda had no execution left for it
  x InvocationLost       the call was sent and its answer never came
"""

from __future__ import annotations


class RolloutError(Exception):
    """What all of ours have in common: the message is for a person."""


class SettingError(RolloutError, ValueError):
    """A value no function could be deployed or called with."""


class TargetError(RolloutError):
    """The target is unknown, does not answer, or lets nobody in."""


class BundleError(RolloutError):
    """No zip could be made."""


class DeployError(RolloutError):
    """The function could not be made, changed or removed."""


class PreflightError(RolloutError):
    """
    What is wanted cannot work on this target.

    Attributes:
        problems: One sentence each. Never empty.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


class InvokeError(RolloutError):
    """
    The API refused the call.

    With a status below 500 the function did not run; from 500 on AWS does not say.

    Attributes:
        code: AWS's name for it, as in ``ResourceNotFoundException``.

        status: The HTTP status; 0 when there was no connection to get one from.

        retry_after_s: How long AWS wants to be left alone; 0 if it does not say.
    """

    def __init__(
        self, message: str, *, code: str, status: int, retry_after_s: float = 0.0
    ) -> None:
        self.code = code
        self.status = status
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ServiceError(RolloutError):
    """The service at the function's URL refused, or does not answer."""


class BusyError(ServiceError):
    """Lambda had no execution left for the service: jobs take those it has."""


class InvocationLost(RolloutError):  # noqa: N818 it says what happened
    """
    The call may have been sent, and its answer never came.

    The function may have run, or be running still, so calling it again may do the
    same work twice: whether that matters is the caller's to say.
    """
