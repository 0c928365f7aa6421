"""Where to deploy, `aws` or `local`: the only place that knows which."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 botocore's: it covers connecting only
    HTTPClientError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError
from botocore.session import Session as CoreSession
from botocore.utils import get_environ_proxies

from rollout.errors import TargetError
from rollout.limits import limit

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.credentials import ReadOnlyCredentials

NAMES = ("local", "aws")

_LOCAL_REGION = "us-east-1"
_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 60
_ATTEMPTS = 4
# An answer that comes at the last moment of the longest invocation is still heard.
_INVOKE_READ_TIMEOUT_S = limit("timeout_s").most + 30
_ARCHITECTURES = {"aarch64": "arm64", "amd64": "x86_64"}


@dataclass(frozen=True)
class Target:
    """
    Somewhere functions can be deployed to and called. Made by `connect`.

    Attributes:
        name: One of `NAMES`.

        endpoint_url: Where every service answers; empty: at AWS's own addresses.

        region: As in ``us-east-1``.
    """

    name: str
    endpoint_url: str
    region: str
    _session: boto3.Session = field(repr=False, compare=False)
    _clients: dict[str, BaseClient] = field(
        default_factory=dict, repr=False, compare=False
    )

    def client(self, service: str) -> BaseClient:
        """
        Return the boto3 client of a service, made once.

        The client of ``lambda`` never repeats a call by itself: an Invoke that
        seems lost may be running, and would run twice.
        """
        if service not in self._clients:
            self._clients[service] = self._session.client(
                service,
                endpoint_url=self.endpoint_url or None,
                config=self._config(service),
            )
        return self._clients[service]

    def credentials(self) -> ReadOnlyCredentials:
        """Return what requests are signed with now; they may expire."""
        found = self._session.get_credentials()
        if found is None:
            raise TargetError(_NO_CREDENTIALS)
        try:
            return found.get_frozen_credentials()
        except BotoCoreError as error:
            msg = f"The AWS credentials cannot be renewed. {error} {_NO_CREDENTIALS}"
            raise TargetError(msg) from error

    @cached_property
    def account(self) -> str:
        """The account's twelve digits."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def partition(self) -> str:
        """The first word of every ARN: ``aws``, except in China and for governments."""
        return str(self._session.get_partition_for_region(self.region))

    @property
    def lambda_url(self) -> str:
        """Where Lambda's API is."""
        return str(self.client("lambda").meta.endpoint_url)

    @property
    def proxy(self) -> str | None:
        """The proxy on the way to Lambda's API; a local endpoint needs none."""
        if self._is_local:
            return None
        proxies: dict[str, str] = get_environ_proxies(self.lambda_url)
        return proxies.get(urlsplit(self.lambda_url).scheme)

    @property
    def ca_file(self) -> str | None:
        """The certificates to trust, if the user's set-up names some."""
        found = self._session._session.get_config_variable("ca_bundle")  # noqa: SLF001 boto3 has no other way
        return str(found) if found else None

    @property
    def architecture(self) -> str:
        """What the function runs on: ``arm64`` or ``x86_64``."""
        return self._machine.architecture

    @property
    def runtime(self) -> str:
        """Lambda's name for the Python that runs the function."""
        return self._machine.runtime

    @property
    def system(self) -> str:
        """The operating system below the function, as in `sys.platform`."""
        return self._machine.system

    @property
    def allow_private(self) -> bool:
        """Whether downloads may come from private addresses: our local origin does."""
        return self._is_local

    @property
    def _machine(self) -> Machine:
        return machine() if self._is_local else _LAMBDA

    @property
    def _is_local(self) -> bool:
        return self.name == "local"

    def _config(self, service: str) -> Config:
        calls_functions = service == "lambda"
        return Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_INVOKE_READ_TIMEOUT_S if calls_functions else _READ_TIMEOUT_S,
            retries={
                "mode": "standard",
                # On loopback there is nothing that trying again would heal.
                "total_max_attempts": 1
                if calls_functions or self._is_local
                else _ATTEMPTS,
            },
            proxies={} if self._is_local else None,
            tcp_keepalive=True,
        )


def connect(name: str, endpoint_url: str = "") -> Target:
    """
    Return a target that is known to answer.

    Args:
        name: ``local`` or ``aws``.

        endpoint_url:
            Where the services answer. The local target needs it; for ``aws`` leave
            it empty, unless a proxy of yours stands in front.

    Raises:
        TargetError: If the name is unknown, nothing answers at the address, or what
            answers lets nobody in.
    """
    if name not in NAMES:
        msg = f"The target is {name!r}; it must be one of {', '.join(NAMES)}."
        raise TargetError(msg)
    if name == "local" and not endpoint_url:
        msg = (
            "The local target has no endpoint_url. Start one with `rollout serve` and "
            "pass the address it prints, or use rollout.local_endpoint."
        )
        raise TargetError(msg)
    if endpoint_url:
        _check_url(endpoint_url)
    session = _local_session() if name == "local" else _aws_session()
    target = Target(name, endpoint_url.rstrip("/"), session.region_name, session)
    _knock(target)
    return target


def wants_local_endpoint(name: str, endpoint_url: str) -> bool:
    """Tell whether an endpoint must be started before `connect` can find one."""
    return name == "local" and not endpoint_url


class Machine(NamedTuple):
    """
    What a function runs on.

    Attributes:
        runtime: Lambda's name for the Python, as in ``python3.13``.

        architecture: ``arm64`` or ``x86_64``.

        system: As in `sys.platform`.
    """

    runtime: str
    architecture: str
    system: str


def machine() -> Machine:
    """Return this interpreter and this machine, in Lambda's words."""
    processor = platform.machine().lower()
    return Machine(
        runtime=f"python3.{sys.version_info.minor}",
        architecture=_ARCHITECTURES.get(processor, processor),
        system=sys.platform,
    )


_LAMBDA = Machine("python3.13", "arm64", "linux")
_NO_CREDENTIALS = (
    "There are no AWS credentials. Run `aws configure` or `aws sso login`, or set "
    "AWS_PROFILE."
)


def _local_session() -> boto3.Session:
    # Nothing of the user's AWS set-up is read: no variable, no file, no real key.
    known = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in CoreSession.SESSION_VARIABLES.items()
    }
    nowhere = (None, None, os.devnull, None)
    core = CoreSession(known | {"config_file": nowhere, "credentials_file": nowhere})
    return boto3.Session("local", "local", None, _LOCAL_REGION, core)


def _aws_session() -> boto3.Session:
    try:
        session = boto3.Session()
    except BotoCoreError as error:
        msg = f"The AWS set-up cannot be read. {error}"
        raise TargetError(msg) from error
    if not session.region_name:
        msg = "There is no AWS region. Set AWS_DEFAULT_REGION, as in us-east-1."
        raise TargetError(msg)
    return session


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        msg = (
            f"The endpoint_url is {url!r}; it must be an address such as "
            "http://127.0.0.1:4566. `rollout serve` prints its own."
        )
        raise TargetError(msg)


def _knock(target: Target) -> None:
    where = target.endpoint_url or f"AWS in {target.region}"
    try:
        target.account  # noqa: B018 the answer is kept for later
    except NoCredentialsError as error:
        raise TargetError(_NO_CREDENTIALS) from error
    except (ConnectionError, HTTPClientError) as error:
        remedy = (
            "Start one with `rollout serve`."
            if target.endpoint_url
            else "Is there a network?"
        )
        msg = f"Nothing answers at {where}: {error}. {remedy}"
        raise TargetError(msg) from error
    except ResponseParserError as error:
        msg = f"What answers at {where} is not AWS, nor a local endpoint."
        raise TargetError(msg) from error
    except (BotoCoreError, ClientError) as error:
        msg = f"{where} does not let us in: {error}. Check your credentials."
        raise TargetError(msg) from error
