"""boto3 clients of a target: time limits, retries, and a look at who should answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from aws_facts.limits import limit

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    from botocore.client import BaseClient

# A process that dies closes its sockets a moment before its parent can know.
DIES_WITHIN_S = 0.1

_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 60
# Long enough for an answer at the last moment of the longest invocation.
_INVOKE_READ_TIMEOUT_S = limit("timeout_s").most + 30
_ATTEMPTS = 4
_ATTEMPTS_OF_THREADS = 10


@dataclass(frozen=True)
class Clients:
    """The boto3 clients of a `rollout.target.connection.Target`, each made once."""

    session: boto3.Session
    endpoint_url: str
    check_alive: Callable[[float], None]
    is_local: bool
    _made: dict[str, BaseClient] = field(default_factory=dict)

    def client(self, service: str) -> BaseClient:
        """Return the client of a service."""
        if service not in self._made:
            client = self._make(service, self._config())
            if service == "lambda":
                self._let_invoke_repeat_nothing(client)
            self._made[service] = client
        return self._made[service]

    def _let_invoke_repeat_nothing(self, client: BaseClient) -> None:
        """
        Let Invoke be that of a client of its own.

        What creates, changes or looks at a function may be repeated, and must be: AWS
        throttles these calls at 15 a second for the whole account. A repeated Invoke
        may run twice. DryRun runs nothing.
        """
        repeats = client.invoke

        @cache
        def never_repeats() -> BaseClient:
            once = Config(
                read_timeout=_INVOKE_READ_TIMEOUT_S,
                retries={"mode": "standard", "total_max_attempts": 1},
            )
            return self._make("lambda", self._config().merge(once))

        def invoke(**asked: Any) -> Any:  # noqa: ANN401 - as botocore's
            is_dry = asked.get("InvocationType") == "DryRun"
            return (repeats if is_dry else never_repeats().invoke)(**asked)

        client.invoke = invoke

    def client_for_threads(self, service: str, threads: int) -> BaseClient:
        """Return a new client for threads to share; Lambda's would repeat Invoke."""
        busy = Config(
            max_pool_connections=threads,
            retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS_OF_THREADS},
        )
        return self._make(service, self._config().merge(busy))

    def _make(self, service: str, config: Config) -> BaseClient:
        client = self.session.client(
            service, endpoint_url=self.endpoint_url or None, config=config
        )
        client.meta.events.register("needs-retry", self._check_after_failure)
        return client

    def _check_after_failure(self, *, caught_exception: object, **_: object) -> None:
        if caught_exception:
            self.check_alive(DIES_WITHIN_S)

    def _config(self) -> Config:
        return Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_READ_TIMEOUT_S,
            retries={
                "mode": "standard",
                # On loopback repeating heals nothing.
                "total_max_attempts": 1 if self.is_local else _ATTEMPTS,
            },
            proxies={} if self.is_local else None,
            tcp_keepalive=True,
        )
