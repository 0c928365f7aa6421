"""A function: its versions, the names they go by, and all that belongs to it."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.alias import Alias
from local_aws.local_lambda.functions.event_config import EventConfig
from local_aws.local_lambda.functions.function_url import FunctionUrl
from local_aws.local_lambda.functions.public_access import Policy
from local_aws.local_lambda.functions.version_state import Deployment
from local_aws.local_lambda.requests.names import Reference
from local_aws.local_lambda.runtime.admission import EventLimits, Runner
from local_aws.local_lambda.runtime.code_package import Package
from local_aws.local_lambda.runtime.fleet import Fleet, Shared
from local_aws.local_lambda.runtime.version import LATEST, Version


@dataclass(eq=False)
class Function:
    """
    One function.

    Attributes:
        published: Its other versions by number, in the order of their making.

        urls: Its addresses, by alias; None for its own.

        policies: Resource policies, by version or alias; None for its own.

        fleets: Fleets that may still be running, with the version each runs.

        disk: Held while code is stored or removed.

        is_deleted: Whether it lives on only in running invocations.
    """

    reference: Reference
    folder: Path
    shared: Shared
    latest: Deployment
    tags: dict[str, str]
    published: dict[str, Deployment] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    event_configs: dict[str, EventConfig] = field(default_factory=dict)
    urls: dict[str | None, FunctionUrl] = field(default_factory=dict)
    policies: dict[str | None, Policy] = field(default_factory=dict)
    fleets: dict[Fleet, Version] = field(default_factory=dict)
    runner: Runner = field(init=False)
    disk: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_deleted: bool = False

    def __post_init__(self) -> None:
        self.runner = Runner(self.fleet_of)

    @property
    def newest(self) -> Deployment | None:
        """The version published last."""
        return next(reversed(self.published.values()), None)

    def deployments(self) -> Iterator[Deployment]:
        """Iterate over all versions, ``$LATEST`` first, in order."""
        yield self.latest
        yield from self.published.values()

    def deployment(self, qualifier: str | None) -> Deployment:
        """Find the deployment of a version or alias; None means ``$LATEST``."""
        alias = self.aliases.get(qualifier or LATEST)
        number = alias.version if alias else qualifier or LATEST
        found = self.latest if number == LATEST else self.published.get(number)
        if found is None or self.is_deleted:
            raise errors.function_not_found(self.reference.at(qualifier).arn)
        return found

    def describe(self, qualifier: str | None = None) -> dict[str, Any]:
        """Return the configuration of a version or alias under the name it goes by."""
        arn = self.reference.at(qualifier).arn
        return self.deployment(qualifier).describe(arn)

    async def settle(self) -> None:
        """End all changes in progress, once a first execution can start at once."""
        for deployment in list(self.deployments()):
            if deployment.fleet:
                await deployment.fleet.ready()
            deployment.settle()

    def refuse_change(self, revision: str | None) -> None:
        """Raise unless ``$LATEST`` can be changed now; see ``Deployment``."""
        self.latest.refuse_change(self.reference.unqualified_arn, revision)

    def publish(self, number: str, description: str | None) -> Deployment:
        """Freeze ``$LATEST`` under a number."""
        source = self.latest.version
        settings = dict(source.settings)
        if description is not None:
            settings["Description"] = description
        version = replace(source, settings=settings, number=number)
        deployment = Deployment(version, self.latest.modified, source=source)
        if not self.latest.is_changing:
            deployment.settle()
        self.published[number] = deployment
        # As LocalStack test_function_revisions_version_and_alias found.
        self.latest.renew_revision()
        return deployment

    def fleet_of(self, qualifier: str) -> Fleet:
        """Return the fleet of a version, or of one that an alias picks this time."""
        alias = self.aliases.get(qualifier)
        deployment = self.deployment(alias.pick() if alias else qualifier)
        return deployment.fleet or self.start(deployment)

    def start(self, deployment: Deployment) -> Fleet:
        """Make a fleet for a version."""
        folder = self.folder / f"fleet-{uuid.uuid4().hex[:8]}"
        deployment.fleet = Fleet(deployment.version, folder, self.shared)
        self.fleets[deployment.fleet] = deployment.version
        return deployment.fleet

    def uses(self, package: Package) -> bool:
        """Whether some version has this code, or is still running it."""
        versions = [deployment.version for deployment in self.deployments()]
        return any(v.package is package for v in [*versions, *self.fleets.values()])

    def event_limits(self, qualifier: str) -> EventLimits:
        """Return the limits of events for a version or alias."""
        config = self.event_configs.get(qualifier)
        return config.limits if config else EventLimits()
