"""
Every way in which `rollout` refuses or fails.

* RolloutError           a sentence: the thing, its value, the rule, the next step
  x SettingError         a value that no function could have
  x TargetError          the target is unknown, silent, or refuses the credentials
  x BundleError          no zip could be built
  x DeployError          the function could not be created, changed or removed
  x PreflightError       the target cannot meet the demand: every reason at once
  x InvokeError          the API refused the call
  x ServiceError         the service at the function's URL refused, or is silent
    x BusyError          Lambda had no execution free for it
  x InvocationLost       the call was sent and no answer came
"""

from __future__ import annotations


class RolloutError(Exception):
    """Base of the package's errors, whose messages are for people."""


class SettingError(RolloutError, ValueError):
    """A value that no function could be deployed or called with."""


class TargetError(RolloutError):
    """The target is unknown, does not answer, or refuses the credentials."""


class BundleError(RolloutError):
    """No zip could be built."""


class DeployError(RolloutError):
    """The function could not be created, changed or removed."""


class PreflightError(RolloutError):
    """
    The target cannot meet the demand.

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
        code: AWS's name for the error, as in ``ResourceNotFoundException``.

        status: The HTTP status; 0: could not connect.

        retry_after_s: Pause that AWS asks for; 0: none.
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
    """Lambda had no execution free for the service: its jobs use them all."""


class InvocationLost(RolloutError):  # noqa: N818 it says what happened
    """
    The call may have been sent, and no answer came.

    The function may have run, or still run, so a repeated call may do the same work
    twice. Whether that matters, the caller decides.
    """
