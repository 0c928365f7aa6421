"""The reference engine: asyncio and aiohttp, as many loops as connections."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from fetcher import guard
from fetcher.body import Body, Ending, RefusedError
from fetcher.outcome import Outcome

if TYPE_CHECKING:
    from fetcher.engines.engine import Attempt, Work
    from fetcher.options import Options

_DNS_TTL_S = 300
_LOOKUPS = 64  # names looked up at once
_MAX_REDIRECTS = 5

# aiohttp keeps any number of idle connections. With a new host for every file they
# would take up the 1,024 descriptors of an execution within seconds.
_IDLE_S = 0.2

# The first that fits counts: subclasses stand before what they inherit from.
_MEANINGS: tuple[tuple[type[Exception], Outcome, str], ...] = (
    (
        aiohttp.NonHttpUrlClientError,
        Outcome.BLOCKED,
        "redirected to a scheme other than http and https",
    ),
    (
        aiohttp.InvalidURL,
        Outcome.BAD_URL,
        "the URL, or one it redirects to, is malformed",
    ),
    (
        aiohttp.TooManyRedirects,
        Outcome.TOO_MANY_REDIRECTS,
        f"redirected more than {_MAX_REDIRECTS} times",
    ),
    (UnicodeError, Outcome.BAD_URL, "the URL's host cannot be a name in DNS"),
    (
        aiohttp.ClientConnectorDNSError,
        Outcome.DNS,
        "no address for {error.host}: {error.os_error}",
    ),
    (aiohttp.ClientSSLError, Outcome.TLS, "TLS with {error.host} failed: {error}"),
    (
        aiohttp.ClientConnectorError,
        Outcome.CONNECT,
        "no connection to {error.host}:{error.port}: {error.os_error}",
    ),
    (
        aiohttp.ConnectionTimeoutError,
        Outcome.CONNECT_TIMEOUT,
        "no connection within {options.connect_timeout_s:g} s",
    ),
    (
        TimeoutError,
        Outcome.READ_TIMEOUT,
        "nothing came for {options.read_timeout_s:g} s",
    ),
    (aiohttp.ClientResponseError, Outcome.PROTOCOL, "not HTTP: {error.message}"),
    (aiohttp.ClientPayloadError, Outcome.CUT, "the body ended early"),
    (
        aiohttp.ServerDisconnectedError,
        Outcome.CUT,
        "the connection was closed before an answer came",
    ),
    (ssl.SSLError, Outcome.TLS, "TLS failed: {error}"),
    (OSError, Outcome.CUT, "the connection broke: {error}"),
)


class AiohttpEngine:
    """
    Downloads with aiohttp.

    Args:
        options: How many connections, how long to wait, what to say we are.

        user_agent: Sent with every request.
    """

    name = f"aiohttp {aiohttp.__version__}"

    def __init__(self, options: Options, user_agent: str) -> None:
        self._options = options
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    def run(self, work: Work, deadline_s: float) -> None:
        """Make attempts until there are no more, or for this many seconds."""
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._loop.set_default_executor(_Lookups(_LOOKUPS))
            try:
                runner.run(self._run(work, deadline_s))
            finally:
                self._loop = None

    def stop(self) -> None:
        """Bring the deadline to now. Safe to call from a signal handler."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._stopped.set)
        else:
            self._stopped.set()

    async def _run(self, work: Work, deadline_s: float) -> None:
        async with self._session() as session:
            workers = asyncio.ensure_future(self._all(session, work))
            stopped = asyncio.ensure_future(self._stopped.wait())
            try:
                await asyncio.wait(
                    (workers, stopped),
                    timeout=deadline_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                stopped.cancel()
                workers.cancel()
            # At the deadline, what is in flight is cancelled and its body discarded.
            with contextlib.suppress(asyncio.CancelledError):
                await workers

    async def _all(self, session: aiohttp.ClientSession, work: Work) -> None:
        """Keep every connection busy; a bug or a full disk in one ends all."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._options.connections):
                    group.create_task(self._work(session, work))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    def _session(self) -> aiohttp.ClientSession:
        options = self._options
        connector = aiohttp.TCPConnector(
            limit=options.connections,
            keepalive_timeout=_IDLE_S,
            ttl_dns_cache=_DNS_TTL_S,
            socket_factory=guard.guarded_socket(allow_private=options.allow_private),
        )
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=options.connect_timeout_s,  # looking up the name included
            sock_read=options.read_timeout_s,
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            headers=self._headers,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def _work(self, session: aiohttp.ClientSession, work: Work) -> None:
        while (step := work.next()) is not None:
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                work.ended(step, await self._attempt(session, step))

    async def _attempt(
        self, session: aiohttp.ClientSession, attempt: Attempt
    ) -> Ending:
        body, now = attempt.body, asyncio.get_running_loop().time
        ends = now() + attempt.timeout_s
        try:
            async with asyncio.timeout_at(ends) as timer:
                return await self._fetch(session, attempt.item.url, body, timer)
        except RefusedError as refused:
            return body.fail(refused.outcome, refused.detail)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if timer.expired() and now() >= ends:
                seconds = f"{attempt.timeout_s:.3g} s"
                return body.fail(Outcome.TOTAL_TIMEOUT, f"not done within {seconds}")
            outcome, detail = self._diagnose(error)
            return body.fail(outcome, detail)
        finally:
            body.discard()

    async def _fetch(
        self,
        session: aiohttp.ClientSession,
        url: str,
        body: Body,
        timer: asyncio.Timeout,
    ) -> Ending:
        # Encoding the URL anew would break signed ones. aiohttp gives up at
        # `max_redirects`, not past it.
        exactly = URL(url, encoded=url.isascii())
        async with session.get(exactly, max_redirects=_MAX_REDIRECTS + 1) as response:
            headers, promised = response.headers, response.content_length
            try:
                body.begin(response.status, headers.get("Content-Type", ""), promised)
            except RefusedError as refused:
                wait_s = _retry_after(headers.get("Retry-After", ""))
                response.close()
                return body.fail(refused.outcome, refused.detail, wait_s)
            await self._read(response.content, body, timer)
            return body.finish()

    async def _read(
        self, content: aiohttp.StreamReader, body: Body, timer: asyncio.Timeout
    ) -> None:
        """
        Pass the body on, unless nothing comes for too long.

        aiohttp 3.14's own timer cannot be trusted with that: it dies with a malformed
        chunk, which nobody is told of.
        """
        now, ends = asyncio.get_running_loop().time, timer.when()
        assert ends is not None, "an attempt has an end"
        while True:
            if not content.is_eof():
                timer.reschedule(min(ends, now() + self._options.read_timeout_s))
            chunk = await content.readany()
            if not chunk:
                return
            body.write(chunk)

    def _diagnose(self, error: Exception) -> tuple[Outcome, str]:
        """Say which outcome an exception of aiohttp's stands for."""
        if isinstance(error, OSError) and error.errno == errno.EACCES:
            return Outcome.BLOCKED, f"not permitted: {error.strerror}"  # by the guard
        for kind, outcome, detail in _MEANINGS:
            if isinstance(error, kind):
                return outcome, detail.format(error=error, options=self._options)
        return Outcome.PROTOCOL, f"{type(error).__name__}: {error}"


class _Lookups(ThreadPoolExecutor):
    """
    Threads that look names up; at the deadline no report waits for a slow one.

    The process itself does, when it ends: Python joins its threads.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - inherited
        """Leave running look-ups behind."""
        super().shutdown(wait=False, cancel_futures=True)


def _retry_after(text: str) -> float:
    """Return the seconds to wait that a Retry-After header asks for (RFC 9110)."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return 0.0
