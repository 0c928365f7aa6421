"""
One endpoint for boto3 on this machine, with no Docker and no account.

Lambda is ``local_lambda``. S3, IAM, STS and CloudWatch Logs are moto's server, in a
process of its own; no Invoke passes through it. From an event loop::

    async with LocalAws(account_concurrency=1000) as aws:
        boto3.client("lambda", endpoint_url=aws.endpoint_url, ...)

or, as ``rollout serve`` does, until the process is told to end::

    asyncio.run(main_async("127.0.0.1", 0, on_ready=print))

It runs code as the user who started it, so every request must be signed: with the pair
made at the start, which functions find in their environment, or with one from this
endpoint's IAM (CreateAccessKey) or STS (AssumeRole). See `authentication`. Everything
stored is gone when the endpoint stops.
"""

import asyncio
import contextlib
import ipaddress
import json
import resource
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal, Self

from aiohttp import web

from local_aws import authentication, moto_client, moto_server, temporary_folders
from local_aws.endpoint_error import EndpointError
from local_aws.local_lambda import dispatch, errors, http_server
from local_aws.local_lambda.requests.access_keys import Caller, KeyPair
from local_aws.local_lambda.runtime.admission import Admission
from local_aws.local_lambda.runtime.aws_rate_limits import AwsPace

Pace = Literal["none", "aws"]

_DESCRIPTORS = 10_000
_MIB = 1024 * 1024
_BODY_BYTES = {
    "lambda": errors.CREATE_BYTES,
    # PutLogEvents takes 1 MiB of text, which JSON can spell six times as long.
    "logs": 8 * _MIB,
    # Policies are the longest parameters, 10,240 characters each.
    "iam": _MIB,
    "sts": _MIB,
}
_LAST_PORT = 65_535


@dataclass(eq=False, repr=False)
class LocalAws:
    """
    The local endpoint; the module's docstring shows its use.

    Args:
        host: A loopback address.

        port: Where to listen; 0 for any free port.

        account_concurrency: How many executions may run at once.

        event_retry_delays_s: Pauses before the event of a failing function is
            repeated; AWS's by default.

        keep_idle_s: How long an environment waits for its next invocation.

        pace: ``"aws"`` slows functions down as AWS does; ``"none"`` is as fast as this
            machine can.

        any_credentials: Accept requests whatever signed them.

    Attributes:
        endpoint_url: ``http://127.0.0.1:PORT``, once started.

        keys: The pair to sign with.

        moto: The server of S3, IAM, STS and CloudWatch Logs, once started.
    """

    host: str = "127.0.0.1"
    port: int = 0
    _: KW_ONLY
    account_concurrency: int = 1000
    event_retry_delays_s: Sequence[float] = (60, 120)
    keep_idle_s: float = 300.0  # AWS does not document it; users observe minutes
    pace: Pace = "none"
    any_credentials: bool = False
    endpoint_url: str = field(default="", init=False)
    keys: KeyPair = field(default_factory=KeyPair.random, init=False)
    moto: moto_client.Moto = field(init=False)
    _owner: Caller = field(init=False)
    _authenticator: authentication.Authenticator = field(init=False)
    _lambda: dispatch.LocalLambda = field(init=False)
    _cleanup: contextlib.AsyncExitStack = field(init=False)

    async def __aenter__(self) -> Self:
        """
        Start to serve.

        Raises:
            EndpointError: If the host is not loopback, the port is taken, or moto does
                not start.
        """
        _check_loopback(self.host)
        pace = AwsPace() if self.pace == "aws" else None
        admission = Admission(self.account_concurrency, self.event_retry_delays_s, pace)
        async with contextlib.AsyncExitStack() as stack:
            listener = stack.enter_context(_bind(self.host, self.port))
            address = http_server.authority(*listener.getsockname()[:2])
            self.endpoint_url = f"http://{address}"
            home = stack.enter_context(temporary_folders.temporary())
            self.moto = await stack.enter_async_context(moto_server.running(home))
            self._owner = self.moto.owner(self.keys)
            self._authenticator = authentication.Authenticator(
                self._identify,
                _BODY_BYTES,
                verify_signatures=not self.any_credentials,
            )
            self._lambda = await stack.enter_async_context(
                dispatch.running(
                    home,
                    self.endpoint_url,
                    self.keys,
                    admission,
                    keep_idle_s=self.keep_idle_s,
                    read_object=self.moto.read_object,
                    send_logs=self.moto.call_logs,
                    identify=self._identify,
                )
            )
            listen = await stack.enter_async_context(http_server.running(self._handle))
            stack.callback((await listen(listener)).close)
            # Runs first on stop, so that waiting callers get an answer.
            stack.callback(admission.stop)
            self._cleanup = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all processes and remove all files."""
        await self._cleanup.aclose()

    async def _identify(self, access_key: str) -> Caller | None:
        if access_key == self._owner.access_key:
            return self._owner
        return await self.moto.identify(access_key)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        service = ""
        try:
            call = await self._authenticator.authenticate(request)
            service, body = call.service, call.body
            if service == "lambda":
                assert isinstance(body, bytes)
                return await self._lambda.handle(request, body, call.region)
            if service == "logs":
                assert isinstance(body, bytes)
                operation, groups = _logs_call(request, body)
                await self._lambda.logs.before(operation, call.region, groups)
            return await self.moto.forward(request, service, body)
        except errors.LambdaError as error:
            service = service or authentication.guess_service(request)
            return authentication.refusal(error, service)


async def main_async(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    on_ready: Callable[[LocalAws], object],
    stop: asyncio.Event | None = None,
    pace: Pace = "none",
    any_credentials: bool = False,
) -> None:
    """
    Serve as `LocalAws` does, until SIGINT, SIGTERM or ``stop`` is set.

    ``on_ready`` is called with the endpoint once it answers.

    Raises:
        EndpointError: If the host is not loopback, the port is taken, or moto's
            process does not start or ends by itself.
    """
    _allow_many_connections()
    stopped = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stopped.set)
    try:
        async with LocalAws(
            host, port, pace=pace, any_credentials=any_credentials
        ) as aws:
            on_ready(aws)
            watch = asyncio.create_task(aws.moto.wait())
            # Without moto, S3's and other calls would fail one by one.
            watch.add_done_callback(lambda _: stopped.set())
            await stopped.wait()
            aws.moto.check()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _allow_many_connections() -> None:
    """Make room for 1,000 callers and 1,000 environments; 1,024 files are usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def _logs_call(request: web.Request, body: bytes) -> tuple[str, list[str]]:
    """Return the operation and the log groups a request to CloudWatch Logs names."""
    operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    try:
        parameters = json.loads(body)
        named = [
            *(parameters.get(f"logGroup{kind}") for kind in ("Name", "Identifier")),
            *parameters.get("logGroupNames", ()),
            *parameters.get("logGroupIdentifiers", ()),
        ]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return operation, []  # moto answers with the error
    return operation, [str(name).rpartition("log-group:")[2] for name in named if name]


def _check_loopback(host: str) -> None:
    with contextlib.suppress(ValueError):
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return
    msg = (
        f"The local endpoint cannot listen on {host!r}: it runs code for "
        "everyone who can reach it. Use 127.0.0.1."
    )
    raise EndpointError(msg)


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        msg = (
            f"The local endpoint cannot listen on port {port}: ports are 1 to "
            f"{_LAST_PORT:,}, and 0 is any free one."
        )
        raise EndpointError(msg)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, port), family=family, backlog=http_server.BACKLOG
        )
    except OSError as error:
        reason, _, _ = str(error.strerror).partition(" (")  # then comes the address
        msg = (
            f"The local endpoint cannot listen on port {port} of {host}: {reason}. "
            "Choose another port, or 0 for any free one."
        )
        raise EndpointError(msg) from error
