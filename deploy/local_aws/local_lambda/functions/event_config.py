"""Retries and maximum age of the events of a version or an alias."""

from dataclasses import dataclass
from typing import Any

from local_aws.local_lambda.runtime.admission import EventLimits


@dataclass(frozen=True, slots=True)
class EventConfig:
    """
    Settings of a caller; None is Lambda's default.

    Attributes:
        retries: Attempts after the first.

        age_s: Maximum age of an event, in seconds.

        modified: When it was configured, in seconds since the epoch.
    """

    retries: int | None
    age_s: int | None
    modified: float

    @property
    def limits(self) -> EventLimits:
        """The limits of an event."""
        defaults = EventLimits()
        return EventLimits(
            defaults.retries if self.retries is None else self.retries,
            defaults.age_s if self.age_s is None else self.age_s,
        )

    def describe(self, arn: str) -> dict[str, Any]:
        """Return it as Lambda does (LocalStack test_lambda_eventinvokeconfig_*)."""
        answer: dict[str, Any] = {
            "FunctionArn": arn,
            "LastModified": self.modified,
            "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
        }
        if self.retries is not None:
            answer["MaximumRetryAttempts"] = self.retries
        if self.age_s is not None:
            answer["MaximumEventAgeInSeconds"] = self.age_s
        return answer
