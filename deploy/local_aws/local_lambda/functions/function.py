"""A function: its versions, the names they go by, and all that belongs to it."""

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.alias import Alias
from local_aws.local_lambda.functions.function_url import FunctionUrl
from local_aws.local_lambda.functions.public_access import Policy
from local_aws.local_lambda.functions.version_state import VersionState
from local_aws.local_lambda.requests.function_reference import Reference
from local_aws.local_lambda.runtime.admission import EventLimits, Runner
from local_aws.local_lambda.runtime.code_package import Package
from local_aws.local_lambda.runtime.fleet import Fleet, Shared
from local_aws.local_lambda.runtime.version import LATEST, Version

# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
_RETRIES = 2
_MAX_AGE_S = 6 * 3_600


@dataclass(eq=False)
class Function:
    """
    One function.

    Attributes:
        published: Its other versions by number, in the order of their making.

        urls: Its addresses, by alias; None for its own.

        event_configs: Settings for the events of each version or alias, by boto3's
            names.

        policies: Resource policies, by version or alias; None for its own.

        fleets: Fleets that may still be running, with the version each runs.

        disk: Held while code is stored or removed.

        is_deleted: Whether it lives on only in running invocations.
    """

    reference: Reference
    folder: Path
    shared: Shared
    latest: VersionState
    tags: dict[str, str]
    published: dict[str, VersionState] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    event_configs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    urls: dict[str | None, FunctionUrl] = field(default_factory=dict)
    policies: dict[str | None, Policy] = field(default_factory=dict)
    fleets: dict[Fleet, Version] = field(default_factory=dict)
    runner: Runner = field(init=False)
    disk: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_deleted: bool = False

    def __post_init__(self) -> None:
        self.runner = Runner(self.fleet_of)

    @property
    def newest(self) -> VersionState | None:
        """The version published last."""
        return next(reversed(self.published.values()), None)

    def version_states(self) -> Iterator[VersionState]:
        """Iterate over all versions, ``$LATEST`` first, in order."""
        yield self.latest
        yield from self.published.values()

    def version_state(self, qualifier: str | None) -> VersionState:
        """Find the state of a version or alias; None means ``$LATEST``."""
        alias = self.aliases.get(qualifier or LATEST)
        number = alias.version if alias else qualifier or LATEST
        found = self.latest if number == LATEST else self.published.get(number)
        if found is None or self.is_deleted:
            raise errors.function_not_found(self.reference.at(qualifier).arn)
        return found

    def describe(self, qualifier: str | None = None) -> dict[str, Any]:
        """Return the configuration of a version or alias under the name it goes by."""
        arn = self.reference.at(qualifier).arn
        return self.version_state(qualifier).describe(arn)

    async def settle(self) -> None:
        """End all changes in progress, once a first execution can start at once."""
        for state in list(self.version_states()):
            if state.fleet:
                await state.fleet.ready()
            state.settle()

    def refuse_change(self, revision: str | None) -> None:
        """Raise unless ``$LATEST`` can be changed now, from an expected revision."""
        if revision not in (None, self.latest.revision):
            raise errors.stale_revision()
        if self.latest.state == "Pending":
            raise errors.pending()
        if self.latest.is_changing:
            raise errors.update_in_progress(self.reference.unqualified_arn)

    def publish(self, number: str, description: str | None) -> VersionState:
        """Freeze ``$LATEST`` under a number."""
        source = self.latest.version
        settings = dict(source.settings)
        if description is not None:
            settings["Description"] = description
        version = replace(source, settings=settings, number=number)
        state = VersionState(version, self.latest.modified, source=source)
        if not self.latest.is_changing:
            state.settle()
        self.published[number] = state
        # As LocalStack test_function_revisions_version_and_alias found.
        self.latest.renew_revision()
        return state

    def fleet_of(self, qualifier: str) -> Fleet:
        """Return the fleet of a version, or of one that an alias picks this time."""
        alias = self.aliases.get(qualifier)
        state = self.version_state(alias.pick() if alias else qualifier)
        return state.fleet or self.start(state)

    def start(self, state: VersionState) -> Fleet:
        """Make a fleet for a version."""
        folder = self.folder / f"fleet-{uuid.uuid4().hex[:8]}"
        state.fleet = Fleet(state.version, folder, self.shared)
        self.fleets[state.fleet] = state.version
        return state.fleet

    def uses(self, package: Package) -> bool:
        """Whether some version has this code, or is still running it."""
        versions = [state.version for state in self.version_states()]
        return any(v.package is package for v in [*versions, *self.fleets.values()])

    def event_limits(self, qualifier: str) -> EventLimits:
        """Return the limits of events for a version or alias."""
        config = self.event_configs.get(qualifier, {})
        return EventLimits(
            config.get("MaximumRetryAttempts", _RETRIES),
            config.get("MaximumEventAgeInSeconds", _MAX_AGE_S),
        )
