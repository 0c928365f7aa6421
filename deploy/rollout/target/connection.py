"""A target, `aws` or `local`: the only place that knows which."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 botocore's: it covers connecting only
    HTTPClientError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from local_aws.local_lambda.requests.access_keys import KeyPair
from rollout.errors import TargetError
from rollout.target.aws_errors import message_of
from rollout.target.clients import Clients
from rollout.target.credentials import (
    NO_CREDENTIALS,
    aws_session,
    local_remedy,
    local_session,
    remedy,
    sign_in_remedy,
)
from rollout.target.runtime_platform import LAMBDA, Machine, machine

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    from botocore.client import BaseClient
    from botocore.credentials import ReadOnlyCredentials

NAMES = ("local", "aws")
_HOSTS_OF_AWS = (  # botocore's endpoints.json; the last two: dual-stack
    *(".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"),
    *(".api.aws", ".api.amazonwebservices.com.cn"),
)


@dataclass(frozen=True)
class Target:
    """
    A place to deploy functions to and call them, made by `connect`.

    As in ``connect("local", "http://127.0.0.1:4566").client("s3").list_buckets()``.

    Attributes:
        name: One of `NAMES`.

        endpoint_url: Where every service answers; empty: at AWS's own addresses.

        region: As in ``us-east-1``.

        check_alive: Raises `EndpointError` if our own local endpoint has ended by
            itself; its argument is how many seconds to wait for that.
    """

    name: str
    endpoint_url: str
    region: str
    _session: boto3.Session = field(repr=False, compare=False)
    check_alive: Callable[[float], None] = field(
        default=lambda _: None, repr=False, compare=False
    )

    @cached_property
    def _clients(self) -> Clients:
        here = self.runs_here
        return Clients(self._session, self.endpoint_url, self.check_alive, here)

    def client(self, service: str) -> BaseClient:
        """
        Return the boto3 client of a service, made once.

        It repeats calls that AWS throttles or fails to answer, except Lambda's Invoke:
        one that seems lost may be running, and would run twice.
        """
        return self._clients.client(service)

    def client_for_threads(self, service: str, threads: int) -> BaseClient:
        """
        Return a new client for so many calls at once.

        It slows down when the service asks for that, and repeats throttled calls more
        often than other clients: not for Lambda, whose Invoke it would repeat, too.
        """
        return self._clients.client_for_threads(service, threads)

    def credentials(self) -> ReadOnlyCredentials:
        """Return the credentials that sign requests now; they may expire."""
        found = self._session.get_credentials()
        if found is None:
            raise TargetError(NO_CREDENTIALS)
        try:
            return found.get_frozen_credentials()
        except BotoCoreError as error:
            next_step = sign_in_remedy(error, self.profile) or NO_CREDENTIALS
            msg = f"The AWS credentials cannot be renewed. {error} {next_step}"
            raise TargetError(msg) from error

    def environ(self) -> dict[str, str]:
        """Return the variables that let a child process sign as this target does."""
        if not self.runs_here:
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
        """Profile of the credentials; empty: none was chosen."""
        name = str(self._session.profile_name)
        return "" if name == "default" else name

    @property
    def partition(self) -> str:
        """Partition in every ARN: ``aws``, except in China and for governments."""
        return str(self._session.get_partition_for_region(self.region))

    @property
    def lambda_url(self) -> str:
        """Address of Lambda's API."""
        return str(self.client("lambda").meta.endpoint_url)

    @property
    def is_aws(self) -> bool:
        """Whether AWS itself is asked; AWS_ENDPOINT_URL may name a stand-in."""
        host = urlsplit(self.lambda_url).hostname or ""
        return host.endswith(_HOSTS_OF_AWS)

    @property
    def proxy(self) -> str | None:
        """Proxy on the way to Lambda's API; a local endpoint needs none."""
        if self.runs_here:
            return None
        proxies: dict[str, str] = get_environ_proxies(self.lambda_url)
        return proxies.get(urlsplit(self.lambda_url).scheme)

    @property
    def ca_file(self) -> str | None:
        """File of certificates to trust, if the user's set-up names one."""
        found = self._session._session.get_config_variable("ca_bundle")  # noqa: SLF001 boto3 has no other way
        return str(found) if found else None

    @property
    def runs_here(self) -> bool:
        """Whether functions run on this machine, in its Python."""
        return self.name == "local"

    def machine_for(self, architecture: str) -> Machine:
        """Return the machine that runs functions of this architecture."""
        here = self.runs_here
        return machine() if here else LAMBDA._replace(architecture=architecture)

    def function_arn(self, name: str) -> str:
        """Return the ARN of a function."""
        return (
            f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{name}"
        )

    @property
    def allow_private(self) -> bool:
        """Whether to download from private addresses, as the local origin's."""
        return self.runs_here

    @property
    def asks_iam(self) -> bool:
        """Whether IAM checks permissions; the local endpoint does not."""
        return not self.runs_here


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
            Where the services answer. Required for the local target; for ``aws``
            leave it empty, unless your own proxy stands in front.

        keys: Key pair of a local endpoint; by default the one in AWS_ACCESS_KEY_ID
            and AWS_SECRET_ACCESS_KEY.

        profile: As the AWS CLI's option; empty: what its variables say.

        region: Likewise. The local target ignores both.

        check_alive: As in `Target`.

    Raises:
        TargetError: If the name is unknown, nothing answers at the address, or the
            credentials are refused.
    """
    if name not in NAMES:
        msg = f"The target is {name!r}; it must be one of {', '.join(NAMES)}."
        raise TargetError(msg)
    if name == "local" and not endpoint_url:
        msg = (
            "The local target has no endpoint_url. Start one with `rollout serve` and "
            "pass the address it prints, as --endpoint-url or in AWS_ENDPOINT_URL; in "
            "Python use rollout.target.local_endpoint."
        )
        raise TargetError(msg)
    if endpoint_url:
        _check_url(endpoint_url)
    is_local = name == "local"
    session = local_session(keys) if is_local else aws_session(profile, region)
    url = endpoint_url.rstrip("/")
    target = Target(name, url, session.region_name, session, check_alive)
    _check_answers(target)
    return target


def wants_local_endpoint(name: str, endpoint_url: str) -> bool:
    """Return whether an endpoint must be started before `connect` can find one."""
    return name == "local" and not endpoint_url


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        msg = (
            f"The endpoint_url is {url!r}; it must be an address such as "
            "http://127.0.0.1:4566. `rollout serve` prints its own."
        )
        raise TargetError(msg)


def _check_answers(target: Target) -> None:
    where = target.endpoint_url or f"AWS in {target.region}"
    try:
        target.account  # noqa: B018 it is kept
    except NoCredentialsError as error:
        raise TargetError(NO_CREDENTIALS) from error
    except (ConnectionError, HTTPClientError) as error:
        next_step = (
            "Start one with `rollout serve`."
            if target.endpoint_url
            else f"Is there a network, and a region {target.region}?"
        )
        msg = f"Nothing answers at {where}: {error}. {next_step}"
        raise TargetError(msg) from error
    except ResponseParserError as error:
        msg = f"The server at {where} is neither AWS nor a local endpoint."
        raise TargetError(msg) from error
    except ClientError as error:
        message = message_of(error).rstrip(".")
        next_step = (
            local_remedy(error) if target.runs_here else remedy(error, target.profile)
        )
        msg = (
            f"{where} refuses the credentials: {message}. {next_step}"
            if next_step
            else f"{where} answers with an error: {message}."
        )
        raise TargetError(msg) from error
    except BotoCoreError as error:  # of sign-on, roles to assume, files, processes
        next_step = sign_in_remedy(error, target.profile)
        msg = f"The AWS credentials cannot be used. {str(error).rstrip('.')}."
        raise TargetError(" ".join(filter(None, (msg, next_step)))) from error
