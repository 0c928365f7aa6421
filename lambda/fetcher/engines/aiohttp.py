"""The reference engine: asyncio and aiohttp, one task for each connection."""

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

from fetcher.contract.downloads import Download
from fetcher.contract.outcome import Outcome
from fetcher.process.descriptors import shortage
from fetcher.security import guard, trust
from fetcher.transfer import redirects
from fetcher.transfer.inflate import ACCEPTED
from fetcher.transfer.refusal import RefusedError
from fetcher.transfer.stall import StallWatch

if TYPE_CHECKING:
    from fetcher.contract.options import Options
    from fetcher.transfer.attempt import Attempt
    from fetcher.transfer.body import Body
    from fetcher.transfer.engine import Work

_DNS_TTL_S = 300
_TRANSFER_CODINGS = frozenset({"chunked", "identity"})  # aiohttp undoes no others
_MAX_LOOKUPS = 64  # names looked up at once

# aiohttp keeps any number of idle connections. With a new host for every file they
# would use up the 1,024 descriptors of an execution within seconds.
_KEEPALIVE_S = 0.2

# The first match counts: subclasses stand before their bases.
_MEANINGS: tuple[tuple[type[Exception], Outcome, str], ...] = (
    (
        aiohttp.InvalidURL,
        Outcome.BAD_URL,
        "the URL, or one it redirects to, is malformed",
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


class Engine:
    """
    Downloads with aiohttp.

    Args:
        options: Connections, timeouts and limits.

        user_agent: Sent with every request.
    """

    name = f"aiohttp {aiohttp.__version__}"

    def __init__(self, options: Options, user_agent: str) -> None:
        self._options = options
        encoding = ACCEPTED if options.compressed else "identity"
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": encoding}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    def run(self, work: Work, deadline_s: float) -> None:
        """Make attempts until there are no more, or for this many seconds."""
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._loop.set_default_executor(_Lookups(_MAX_LOOKUPS))
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
            workers = asyncio.ensure_future(self._work_all(session, work))
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

    async def _work_all(self, session: aiohttp.ClientSession, work: Work) -> None:
        """Keep every connection busy; an unexpected error in one ends all."""
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
            ssl=trust.context(),
            keepalive_timeout=_KEEPALIVE_S,
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
    ) -> Download:
        body, now = attempt.body, asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(attempt.ends_at) as timer:
                return await self._follow(session, attempt, timer)
        except RefusedError as refusal:
            return body.fail(refusal.outcome, refusal.detail)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if timer.expired() and now() >= attempt.ends_at:
                seconds = self._options.total_timeout_s
                detail = f"not done within {seconds:g} s"
                return body.fail(Outcome.TOTAL_TIMEOUT, detail)
            outcome, detail = self._diagnose(error)
            return body.fail(outcome, detail)
        finally:
            body.discard()

    async def _follow(
        self, session: aiohttp.ClientSession, attempt: Attempt, timer: asyncio.Timeout
    ) -> Download:
        """Fetch a URL and its redirects, which aiohttp itself would encode again."""
        url = attempt.url
        for _ in range(redirects.MAX_REDIRECTS + 1):
            result = await self._fetch(session, url, attempt, timer)
            if isinstance(result, Download):
                return result
            url = redirects.checked(result)
        detail = f"redirected more than {redirects.MAX_REDIRECTS} times"
        return attempt.body.fail(Outcome.TOO_MANY_REDIRECTS, detail)

    async def _fetch(
        self,
        session: aiohttp.ClientSession,
        url: str,
        attempt: Attempt,
        timer: asyncio.Timeout,
    ) -> Download | str:
        """Return how the attempt ended, or the URL that it was redirected to."""
        body = attempt.body
        verbatim = URL(url, encoded=url.isascii())  # encoding would break signed URLs
        async with session.get(verbatim, allow_redirects=False) as response:
            attempt.is_answered = True
            try:
                locations = response.headers.getall("Location", ())
                if target := redirects.target_of(response.status, locations):
                    return redirects.absolute(url, target)
                self._begin(body, response)
            except RefusedError as refusal:
                wait_s = _retry_after(response.headers.get("Retry-After", ""))
                response.close()
                return body.fail(refusal.outcome, refusal.detail, wait_s)
            await self._read(response.content, body, timer)
            return body.finish()

    def _begin(self, body: Body, response: aiohttp.ClientResponse) -> None:
        headers, options = response.headers, self._options
        coding = headers.get("Transfer-Encoding", "")
        if not _TRANSFER_CODINGS.issuperset(coding.lower().replace(",", " ").split()):
            detail = f"not HTTP: a body was sent as {coding}, which nobody asked for"
            raise RefusedError(Outcome.PROTOCOL, detail)
        robots = ",".join(headers.getall("X-Robots-Tag", ()))
        body.begin(
            response.status,
            headers.get("Content-Type", ""),
            response.content_length,
            robots if options.respect_robots else "",
            headers.get("Content-Encoding", ""),
        )

    async def _read(
        self, content: aiohttp.StreamReader, body: Body, timer: asyncio.Timeout
    ) -> None:
        """
        Pass the body on, unless nothing comes for too long.

        aiohttp 3.14's own timer cannot do that: a malformed chunk ends it silently.
        """
        now, ends = asyncio.get_running_loop().time, timer.when()
        assert ends is not None, "an attempt has an end"
        watch = StallWatch(self._options, now())
        while True:
            if not content.is_eof():
                timer.reschedule(min(ends, now() + self._options.read_timeout_s))
            chunk = await content.readany()
            if not chunk:
                return
            body.write((chunk,))
            if stalled := watch.stalled(body.size, now()):
                raise RefusedError(Outcome.READ_TIMEOUT, stalled)

    def _diagnose(self, error: Exception) -> tuple[Outcome, str]:
        """Return the outcome that an exception stands for, and a line of detail."""
        if isinstance(error, guard.BadUrlError):
            return Outcome.BAD_URL, str(error)
        if isinstance(error, OSError) and error.errno == errno.EACCES:
            return Outcome.BLOCKED, f"not permitted: {error.strerror}"  # by the guard
        if isinstance(error, OSError) and (reason := shortage(error)):
            return Outcome.UNSTARTED, reason
        for kind, outcome, detail in _MEANINGS:
            if isinstance(error, kind):
                return outcome, detail.format(error=error, options=self._options)
        return Outcome.PROTOCOL, f"{type(error).__name__}: {error}"


class _Lookups(ThreadPoolExecutor):
    """
    Threads that look names up; at the deadline no report waits for a slow one.

    The process does when it exits, because Python joins its threads.
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
