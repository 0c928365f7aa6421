"""Where to deploy, `aws` or `local`: the only place that knows which."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 botocore's: it covers connecting only
    HTTPClientError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from aws_facts.limits import limit
from local_aws.local_lambda.requests.callers import KeyPair
from rollout.errors import TargetError
from rollout.target.credentials import (
    NO_CREDENTIALS,
    aws_session,
    local_remedy,
    local_session,
    remedy,
)
from rollout.target.machine import ARCHITECTURES, LAMBDA, Machine, machine

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    from botocore.client import BaseClient
    from botocore.credentials import ReadOnlyCredentials

NAMES = ("local", "aws")

_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 60
_ATTEMPTS = 4
_ATTEMPTS_OF_THREADS = 10
# A process that dies closes its sockets a moment before its parent can know.
DIES_WITHIN_S = 0.1
# An answer that comes at the last moment of the longest invocation is still heard.
_INVOKE_READ_TIMEOUT_S = limit("timeout_s").most + 30


@dataclass(frozen=True)
class Target:
    """
    Somewhere functions can be deployed to and called. Made by `connect`.

    Attributes:
        name: One of `NAMES`.

        endpoint_url: Where every service answers; empty: at AWS's own addresses.

        region: As in ``us-east-1``.

        check_alive: Raises `EndpointError` once a child of ours that it depends on
            ended by itself. Takes how many seconds to wait for that.
    """

    name: str
    endpoint_url: str
    region: str
    _session: boto3.Session = field(repr=False, compare=False)
    check_alive: Callable[[float], None] = field(
        default=lambda _: None, repr=False, compare=False
    )
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
            self._clients[service] = self._made(service, self._config(service))
        return self._clients[service]

    def client_for_threads(self, service: str, many: int) -> BaseClient:
        """
        Return a client for so many calls at once.

        It makes fewer when the service asks for that, and has more patience than
        others with what is turned away.
        """
        busy = Config(
            max_pool_connections=many,
            retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS_OF_THREADS},
        )
        return self._made(service, self._config(service).merge(busy))

    def credentials(self) -> ReadOnlyCredentials:
        """Return what requests are signed with now; they may expire."""
        found = self._session.get_credentials()
        if found is None:
            raise TargetError(NO_CREDENTIALS)
        try:
            return found.get_frozen_credentials()
        except BotoCoreError as error:
            msg = f"The AWS credentials cannot be renewed. {error} {NO_CREDENTIALS}"
            raise TargetError(msg) from error

    def environ(self) -> dict[str, str]:
        """Return the variables with which a child process signs as this target does."""
        if not self._is_local:
            return {}
        found = self.credentials()
        token = found.token or ""
        return KeyPair(found.access_key, found.secret_key, token).environ()

    @cached_property
    def account(self) -> str:
        """The account's twelve digits."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def profile(self) -> str:
        """The profile whose credentials are used; empty: none was chosen."""
        name = str(self._session.profile_name)
        return "" if name == "default" else name

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
        """What a function runs on, unless it asks: ``arm64`` or ``x86_64``."""
        return self.machine_for(ARCHITECTURES[0]).architecture

    @property
    def runtime(self) -> str:
        """Lambda's name for the Python that runs the function."""
        return self.machine_for(ARCHITECTURES[0]).runtime

    @property
    def system(self) -> str:
        """The operating system below the function, as in `sys.platform`."""
        return self.machine_for(ARCHITECTURES[0]).system

    @property
    def runs_here(self) -> bool:
        """Whether functions run on this machine, in its Python."""
        return self._is_local

    def machine_for(self, architecture: str) -> Machine:
        """Return what a function runs on that asks for this architecture."""
        return (
            machine() if self._is_local else LAMBDA._replace(architecture=architecture)
        )

    def function_arn(self, name: str) -> str:
        """Return the ARN of a function."""
        place = f"{self.partition}:lambda:{self.region}:{self.account}"
        return f"arn:{place}:function:{name}"

    @property
    def allow_private(self) -> bool:
        """Whether downloads may come from private addresses: our local origin does."""
        return self._is_local

    @property
    def asks_iam(self) -> bool:
        """Whether IAM decides who may do what: the local endpoint lets everybody."""
        return not self._is_local

    @property
    def _is_local(self) -> bool:
        return self.name == "local"

    def _made(self, service: str, config: Config) -> BaseClient:
        client = self._session.client(
            service, endpoint_url=self.endpoint_url or None, config=config
        )
        client.meta.events.register("needs-retry", self._look_for_life)
        return client

    def _look_for_life(self, *, caught_exception: object, **_: object) -> None:
        if caught_exception:
            self.check_alive(DIES_WITHIN_S)

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


def connect(
    name: str,
    endpoint_url: str = "",
    *,
    keys: KeyPair | None = None,
    profile: str = "",
    region: str = "",
    check_alive: Callable[[float], None] = lambda _: None,
) -> Target:
    """
    Return a target that is known to answer.

    Args:
        name: ``local`` or ``aws``.

        endpoint_url:
            Where the services answer. The local target needs it; for ``aws`` leave
            it empty, unless a proxy of yours stands in front.

        keys: What a local endpoint is signed to with; by default the pair in
            AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

        profile: As the AWS CLI's option; empty: what its variables say.

        region: Likewise. The local target reads neither of them.

        check_alive: As in `Target`.

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
            "pass the address it prints, as --endpoint-url or in AWS_ENDPOINT_URL; in "
            "Python use local_aws.endpoint_process."
        )
        raise TargetError(msg)
    if endpoint_url:
        _check_url(endpoint_url)
    is_local = name == "local"
    session = local_session(keys) if is_local else aws_session(profile, region)
    url = endpoint_url.rstrip("/")
    target = Target(name, url, session.region_name, session, check_alive)
    _knock(target)
    return target


def wants_local_endpoint(name: str, endpoint_url: str) -> bool:
    """Tell whether an endpoint must be started before `connect` can find one."""
    return name == "local" and not endpoint_url


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
        raise TargetError(NO_CREDENTIALS) from error
    except (ConnectionError, HTTPClientError) as error:
        to_do = (
            "Start one with `rollout serve`."
            if target.endpoint_url
            else f"Is there a network, and a region {target.region}?"
        )
        msg = f"Nothing answers at {where}: {error}. {to_do}"
        raise TargetError(msg) from error
    except ResponseParserError as error:
        msg = f"What answers at {where} is not AWS, nor a local endpoint."
        raise TargetError(msg) from error
    except ClientError as error:
        said = str(error).rstrip(".")
        heals = (
            local_remedy(error) if target.runs_here else remedy(error, target.profile)
        )
        msg = (
            f"{where} does not let us in: {said}. {heals}"
            if heals
            else f"{where} answers with an error: {said}."
        )
        raise TargetError(msg) from error
    except BotoCoreError as error:  # of sign-on, roles to assume, files, processes
        said = str(error).rstrip(".")
        msg = f"The AWS credentials cannot be used. {said}."
        raise TargetError(msg) from error
