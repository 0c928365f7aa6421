"""A function as Lambda's control plane knows it, and how Lambda describes it."""

import platform
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rollout.local_lambda import errors
from rollout.local_lambda.fleet import Fleet
from rollout.local_lambda.names import Reference
from rollout.local_lambda.pool import Runner
from rollout.local_lambda.version import Version

# AWS takes a few seconds for a change. Here it ends when somebody looks, or by itself.
CHANGE_S = 1.0

_AT_WORK = {"Reason": "The function is being created.", "ReasonCode": "Creating"}


@dataclass(eq=False)
class Function:
    """
    One function.

    Attributes:
        reference: Its name and region.

        folder: Where its code and sandboxes are.

        version: What runs now.

        runner: How it runs.

        tags: Its tags.

        fleets: Those that may still be running, one per version.

        revision: Changes with every change.
    """

    reference: Reference
    folder: Path
    version: Version
    runner: Runner
    tags: dict[str, str]
    fleets: list[Fleet] = field(default_factory=list)
    revision: str = ""
    _is_new: bool = True
    _changing_since: float | None = None
    _modified: str = ""

    def __post_init__(self) -> None:
        self.begin_change()

    @property
    def state(self) -> str:
        """``Pending`` or ``Active``."""
        return "Pending" if self._is_new and self.is_changing else "Active"

    @property
    def is_changing(self) -> bool:
        """Whether Lambda is still at work on a creation or an update."""
        since = self._changing_since
        if since is not None and time.monotonic() - since > CHANGE_S:
            self.settle()
        return self._changing_since is not None

    def begin_change(self) -> None:
        """Note that Lambda is at work."""
        self._changing_since = time.monotonic()
        self.revision = str(uuid.uuid4())
        self._modified = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000}+0000"

    def settle(self) -> None:
        """Note that Lambda is done, which is again another revision."""
        if self._changing_since is not None:
            self._changing_since = None
            self._is_new = False
            self.revision = str(uuid.uuid4())

    def refuse_change(self, revision: str | None) -> None:
        """
        Raise unless the function can be changed now.

        Args:
            revision: The one the caller has seen, if it said so.
        """
        if revision not in (None, self.revision):
            raise errors.stale_revision()
        if self.state == "Pending":
            raise errors.pending()
        if self.is_changing:
            raise errors.update_in_progress(self.reference.unqualified_arn)

    def describe(self) -> dict[str, Any]:
        """Return its configuration as Lambda does (LocalStack test_function_state)."""
        settings = self.version.settings
        logging = {"LogFormat": "Text", **settings.get("LoggingConfig", {})}
        return {
            **settings,
            "FunctionName": self.reference.name,
            "FunctionArn": self.reference.unqualified_arn,
            "CodeSize": self.version.package.size,
            "CodeSha256": self.version.package.sha256,
            "Version": "$LATEST",
            "LastModified": self._modified,
            "RevisionId": self.revision,
            "LoggingConfig": {**logging, "LogGroup": self.version.log_group},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "RuntimeVersionConfig": {"RuntimeVersionArn": self._runtime_arn},
            **self._status(),
        }

    def _status(self) -> dict[str, str]:
        if not self.is_changing:
            return {"State": "Active", "LastUpdateStatus": "Successful"}
        if self._is_new:
            return {"State": "Pending"} | _prefixed("State")
        return {"State": "Active", "LastUpdateStatus": "InProgress"} | _prefixed(
            "LastUpdateStatus"
        )

    @property
    def _runtime_arn(self) -> str:
        """Names the interpreter that runs everything here, whatever Runtime says."""
        python = platform.python_version()
        return f"arn:aws:lambda:{self.reference.region}::runtime:local-python{python}"


def _prefixed(name: str) -> dict[str, str]:
    return {f"{name}{key}": text for key, text in _AT_WORK.items()}
