"""One version of a function as Lambda's control plane shows it, and its fleet."""

import platform
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local_aws.local_lambda.runtime.fleet import Fleet
from local_aws.local_lambda.runtime.version import Version

# AWS takes a few seconds for a change. Here it ends once a caller has seen it, or then.
CHANGE_S = 1.0

_AT_WORK = {"Reason": "The function is being created.", "ReasonCode": "Creating"}


@dataclass(eq=False)
class VersionState:
    """
    ``$LATEST`` or a published version: its state and its revision.

    Attributes:
        modified: When these were last changed.

        source: The version of ``$LATEST`` that this was published from.
    """

    version: Version
    modified: str = ""
    revision: str = ""
    source: Version | None = None
    fleet: Fleet | None = None
    _is_new: bool = True
    _changing_since: float | None = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.modified = self.modified or timestamp()
        self.renew_revision()

    @property
    def state(self) -> str:
        """``Pending`` or ``Active``."""
        return "Pending" if self._is_new and self.is_changing else "Active"

    @property
    def is_changing(self) -> bool:
        """Whether a creation or an update is in progress."""
        since = self._changing_since
        if since is not None and time.monotonic() - since > CHANGE_S:
            self.settle()
        return self._changing_since is not None

    def change(self, version: Version) -> None:
        """Start a change to new code or configuration."""
        self.version = version
        self.modified = timestamp()
        self._changing_since = time.monotonic()
        self.renew_revision()

    def settle(self) -> None:
        """End the change, which makes another revision."""
        if self._changing_since is not None:
            self._changing_since = None
            self._is_new = False
            self.renew_revision()

    def renew_revision(self) -> None:
        """Make another revision."""
        self.revision = str(uuid.uuid4())

    def is_published_from(self, version: Version) -> bool:
        """Whether publishing a state of ``$LATEST`` would give the same again."""
        source = self.source
        return (
            source is not None
            and source.package.sha256 == version.package.sha256
            and source.settings == version.settings
        )

    def describe(self, arn: str) -> dict[str, Any]:
        """Return its configuration as Lambda does (LocalStack test_function_state)."""
        version = self.version
        layers = [
            {"Arn": named, "CodeSize": package.size}
            for named, package in zip(
                version.settings.get("Layers", ()), version.layers, strict=True
            )
        ]
        logging = {"LogFormat": "Text", **version.settings.get("LoggingConfig", {})}
        return {
            **version.settings,
            **({"Layers": layers} if layers else {}),
            "FunctionName": version.name,
            "FunctionArn": arn,
            "CodeSize": version.package.size,
            "CodeSha256": version.package.sha256,
            "Version": version.number,
            "LastModified": self.modified,
            "RevisionId": self.revision,
            "LoggingConfig": {**logging, "LogGroup": version.log_group},
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
        return f"arn:aws:lambda:{self.version.region}::runtime:local-python{python}"


def timestamp() -> str:
    """Return the time as Lambda spells it for functions and layers."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000}+0000"


def _prefixed(name: str) -> dict[str, str]:
    return {f"{name}{key}": text for key, text in _AT_WORK.items()}
