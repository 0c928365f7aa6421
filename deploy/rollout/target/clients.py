"""boto3 clients of a target: time limits, retries, and a look at who should answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


class Clients:
    """The boto3 clients of a `rollout.target.target.Target`, each made once."""

    def __init__(
        self,
        session: boto3.Session,
        endpoint_url: str,
        check_alive: Callable[[float], None],
        *,
        is_local: bool,
    ) -> None:
        self._session = session
        self._endpoint_url = endpoint_url or None
        self._check_alive = check_alive
        self._is_local = is_local
        self._clients: dict[str, BaseClient] = {}

    def client(self, service: str) -> BaseClient:
        """Return the client of a service."""
        if service not in self._clients:
            self._clients[service] = self._make(service, self._config(service))
        return self._clients[service]

    def client_for_threads(self, service: str, threads: int) -> BaseClient:
        """Return a new client for threads that share it."""
        busy = Config(
            max_pool_connections=threads,
            retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS_OF_THREADS},
        )
        return self._make(service, self._config(service).merge(busy))

    def _make(self, service: str, config: Config) -> BaseClient:
        client = self._session.client(
            service, endpoint_url=self._endpoint_url, config=config
        )
        client.meta.events.register("needs-retry", self._check_after_failure)
        return client

    def _check_after_failure(self, *, caught_exception: object, **_: object) -> None:
        if caught_exception:
            self._check_alive(DIES_WITHIN_S)

    def _config(self, service: str) -> Config:
        calls_functions = service == "lambda"
        # A repeated Invoke may run twice; on loopback repeating heals nothing.
        attempts = 1 if calls_functions or self._is_local else _ATTEMPTS
        return Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_INVOKE_READ_TIMEOUT_S if calls_functions else _READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": attempts},
            proxies={} if self._is_local else None,
            tcp_keepalive=True,
        )
