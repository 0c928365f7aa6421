"""A function: its versions, the names they go by, and all that belongs to it."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.alias import Alias
from local_aws.local_lambda.functions.deployment import Deployment
from local_aws.local_lambda.functions.event_config import EventConfig
from local_aws.local_lambda.functions.function_url import FunctionUrl
from local_aws.local_lambda.functions.policy import Policy
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
        reference: Its name and region.

        folder: Where its code and sandboxes are.

        shared: What its fleets share with others.

        latest: ``$LATEST``.

        tags: Its tags.

        published: Its other versions by number, in the order of their making.

        aliases: By name.

        event_configs: How events are tried, by version or alias.

        urls: Its addresses, by alias; None for its own.

        policies: Whom they let in, by version or alias; None for its own.

        fleets: Those that may still be running, and what they run.

        runner: How admission knows it.

        disk: Held while code is stored or removed.

        is_deleted: Whether it only lives on in what is running.
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
        """Find what a version or alias stands for, or None for ``$LATEST``."""
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

    def settle(self) -> None:
        """Note that Lambda is done with whatever it was at work on."""
        for deployment in self.deployments():
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
        made = Deployment(version, self.latest.modified, source=source)
        if not self.latest.is_changing:
            made.settle()
        self.published[number] = made
        # As LocalStack test_function_revisions_version_and_alias found.
        self.latest.renew_revision()
        return made

    def fleet_of(self, qualifier: str) -> Fleet:
        """Return what runs a version or, this time, an alias."""
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
        """Return how long and how often events for a version or alias are tried."""
        config = self.event_configs.get(qualifier)
        return config.limits if config else EventLimits()
