"""An alias: a name for a version, or for two that share its callers."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Alias:
    """
    A name for a version.

    Attributes:
        version: The number it stands for.

        weights: The share of invocations that another version gets.
    """

    name: str
    version: str
    description: str
    weights: Mapping[str, float]
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))

    def pick(self) -> str:
        """Draw the version that the next invocation runs."""
        for number, weight in self.weights.items():
            if random.random() < weight:  # noqa: S311 - no secret
                return number
        return self.version

    def renewed(self) -> "Alias":
        """Return it with another revision, for a change of what belongs to it."""
        return replace(self, revision=str(uuid.uuid4()))

    def stands_for(self, number: str) -> bool:
        """Whether some of its invocations run a version."""
        return number == self.version or number in self.weights

    def describe(self, arn: str) -> dict[str, Any]:
        """Return it as Lambda does (LocalStack test_alias_lifecycle)."""
        answer: dict[str, Any] = {
            "AliasArn": arn,
            "Name": self.name,
            "FunctionVersion": self.version,
            "Description": self.description,
            "RevisionId": self.revision,
        }
        if self.weights:
            answer["RoutingConfig"] = {"AdditionalVersionWeights": self.weights}
        return answer
