"""The specification of a function, checked before anything is made."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aws_facts.limits import problem as limit_problem
from fetcher.s3.urls import SCHEME, prefix_of
from fetcher.security.guard import BadUrlError
from fetcher.service import settings
from rollout.deploy import policies
from rollout.errors import SettingError
from rollout.target.runtime_platform import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fetcher.s3.urls import Place
    from rollout.deploy.policies import Policies
    from rollout.deploy.vpc_efs_config import Efs, Vpc
    from rollout.target.connection import Target

_PREFIX = "FETCHER_"
START_VARIABLE = f"{_PREFIX}START"  # a new value replaces all executions

# Answers HTTP requests as well as events that are shards.
_SERVICE = "fetcher.service.api.handle"
AWS_IAM, ANYBODY = "AWS_IAM", "NONE"
URL_AUTHS = (AWS_IAM, ANYBODY)

# With the region it makes the role's name, of at most 64 characters.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_SPECIAL_IN_POLICIES = "*?$"
# CloudWatch Logs' API reference, PutRetentionPolicy
_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """
    A function to deploy.

    Attributes:
        name: The function's; role and log group are named after it.

        memory_mb: Memory; 1,769 MB come with one whole processor.

        timeout_s: Longest time of one invocation.

        tmp_mb: Size of /tmp.

        architecture: Its processor; the local target has this machine's only.

        log_retention_days: How long lines of its log are kept.

        handler: Module and function that take the event.

        start: A new value replaces all executions; empty: they stay.

        bucket: Place in S3 it may read and write, as ``bucket`` or ``bucket/prefix``;
            empty: none.

        sources: Places in S3 it may read, written likewise.

        url: Who may call its URL: one of `URL_AUTHS`; empty: it has none.

        vpc: Its network; None: Lambda's own, with direct access to the internet.

        efs: A file system it mounts; requires a `vpc`.

        tags: Put on everything, beside our own.

    >>> FunctionSpec(memory_mb=512, bucket="photos/2026").bucket_place
    Place(bucket='photos', key='2026')
    """

    name: str = "million-downloads"
    memory_mb: int = 1_769
    timeout_s: int = 300
    tmp_mb: int = 512
    architecture: str = ARCHITECTURES[0]
    handler: str = "fetcher.handler.download"
    log_retention_days: int = 7
    environment: Mapping[str, str] = field(default_factory=dict)
    start: str = ""
    bucket: str = ""
    sources: tuple[str, ...] = ()
    url: str = ""
    vpc: Vpc | None = None
    efs: Efs | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse."""
        for problem in filter(None, _problems(self, self._variables)):
            raise SettingError(problem)
        _ = self.bucket_place, self.source_places  # raises if one is wrong

    @property
    def bucket_place(self) -> Place | None:
        """Place of the bucket, if there is one."""
        return _place(self.bucket) if self.bucket else None

    @property
    def source_places(self) -> tuple[Place, ...]:
        """Places of the sources."""
        return tuple(map(_place, self.sources))

    def configuration(self, target: Target, role_arn: str) -> dict[str, Any]:
        """Return the configuration as CreateFunction takes it."""
        return {
            "Runtime": target.machine_for(self.architecture).runtime,
            "Role": role_arn,
            "Handler": self.handler,
            "MemorySize": self.memory_mb,
            "Timeout": self.timeout_s,
            "EphemeralStorage": {"Size": self.tmp_mb},
            "Environment": {"Variables": self._variables},
            "VpcConfig": self.vpc.setting() if self.vpc else _NO_VPC,
            "FileSystemConfigs": [self.efs.setting()] if self.efs else [],
        }

    @property
    def _variables(self) -> dict[str, str]:
        start = {START_VARIABLE: self.start} if self.start else {}
        return dict(self.environment) | start

    def policies(self, target: Target) -> Policies:
        """Return the policies of its role."""
        found = policies.write_own_log(target, self.name)
        if bucket := self.bucket_place:
            found |= policies.use_bucket(target, bucket)
        if self.bucket and self.url:  # a service shares jobs out to itself
            found |= policies.invoke_itself(target, self.name)
        if self.sources:
            found |= policies.read_sources(target, self.source_places)
        if self.vpc:
            found |= policies.join_vpc(target, self.name)
        if self.efs:
            found |= policies.mount_efs(target, self.efs)
        return found


def as_service(spec: FunctionSpec, url: str, bucket: str) -> FunctionSpec:
    """
    Return the function as a service at a URL, which one of `URL_AUTHS` guards.

    The bucket is where it keeps jobs and files; empty: it takes no jobs.

    Raises:
        SettingError: If the bucket has a prefix.
    """
    bucket = bucket.removeprefix(SCHEME).rstrip("/")
    if "/" in bucket:
        msg = f"A service needs a whole bucket; {bucket!r} has a prefix. Leave it out."
        raise SettingError(msg)
    own = {settings.BUCKET: bucket} if bucket else {}
    return replace(
        spec,
        handler=_SERVICE,
        url=url,
        bucket=bucket,
        environment=own | dict(spec.environment),
    )


_NO_VPC: dict[str, list[str]] = {"SubnetIds": [], "SecurityGroupIds": []}


def _place(text: str) -> Place:
    try:
        place = prefix_of(f"{SCHEME}{text.removeprefix(SCHEME)}")
    except BadUrlError as error:
        msg = f"The bucket cannot be used. {error}"
        raise SettingError(msg) from error
    if special := set(place.key) & set(_SPECIAL_IN_POLICIES):
        msg = (
            f"The prefix {place.key!r} contains {''.join(sorted(special))}, a wildcard "
            "in the role's policy. Choose another."
        )
        raise SettingError(msg)
    return place


def _problems(spec: FunctionSpec, variables: Mapping[str, str]) -> Iterator[str]:
    """Yield why AWS would refuse it, and empty texts for what is in order."""
    if not _NAME.fullmatch(spec.name):
        yield (
            f"The function's name is {spec.name!r}; it must have 1 to 40 letters, "
            "digits, hyphens and underscores."
        )
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    # Lone surrogates, which a shell's bytes can become, are AWS's to refuse.
    size = len(measured.encode(errors="surrogatepass"))
    yield limit_problem("memory_mb", spec.memory_mb, "MB")
    yield limit_problem("timeout_s", spec.timeout_s, "s")
    yield limit_problem("tmp_mb", spec.tmp_mb, "MB")
    yield limit_problem("environment_bytes", size, "bytes of JSON")
    yield _problem_of_settings(variables)
    yield _problem_of_choice("architecture", spec.architecture, ARCHITECTURES)
    yield _problem_of_choice("url", spec.url, ("", *URL_AUTHS))
    if spec.log_retention_days not in _RETENTIONS:
        yield (
            f"`log_retention_days` is {spec.log_retention_days:,}; CloudWatch takes "
            f"one of: {', '.join(map(str, _RETENTIONS))}."
        )
    if spec.efs and not spec.vpc:
        yield (
            "An EFS is reached through a network: name subnets and security groups "
            "as well as the access point."
        )
    # https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
    for key in spec.tags:
        if key.lower().startswith("aws:"):
            yield f"The tag's key is {key!r}; AWS reserves those that begin with aws:."


def _problem_of_choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value in allowed:
        return ""
    known = ", ".join(filter(None, allowed))
    return f"`{name}` is {value!r}; it must be one of: {known}."


def _problem_of_settings(variables: Mapping[str, str]) -> str:
    """Check what the worker reads only when it starts: every request would fail."""
    own = {name for name in variables if name.startswith(_PREFIX)} - {START_VARIABLE}
    if unknown := sorted(own - settings.NAMES):
        known = ", ".join(sorted(settings.NAMES))
        return f"{unknown[0]} is no setting of the service; there are {known}."
    try:
        settings.Settings.from_environment(variables)
    except ValueError as error:
        return str(error)
    return ""


DEFAULTS = FunctionSpec()  # commands and notebooks take theirs from here
