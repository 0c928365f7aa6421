"""The reference engine: asyncio and aiohttp, one task for each connection."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ssl
from collections import defaultdict
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.engines.aiohttp_lookups import Lookups, ThreadedLookups, stages
from fetcher.process.descriptors import shortage
from fetcher.security import guard, trust
from fetcher.transfer import redirects
from fetcher.transfer.attempt import Attempt, Stage
from fetcher.transfer.content.inflate import ACCEPTED
from fetcher.transfer.engine import JUDGE_EVERY_S
from fetcher.transfer.refused_response import RefusedError

if TYPE_CHECKING:
    from fetcher.contract.options import Options
    from fetcher.transfer.body import Body
    from fetcher.transfer.engine import Work

_DNS_TTL_S = 300
_TRANSFER_CODINGS = frozenset({"chunked", "identity"})  # aiohttp undoes no others

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
        self._has_ended = asyncio.Event()
        self._tasks: dict[Attempt, asyncio.Task[None]] = {}
        self._hostnames: defaultdict[Attempt, str] = defaultdict(str)
        self._overdue: dict[Attempt, tuple[Outcome, str]] = {}

    def run(self, work: Work, deadline_s: float) -> None:
        """Make attempts until there are no more, or for this many seconds."""
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._lookups = Lookups()
            self._loop.set_default_executor(self._lookups)
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
        self._resolver = ThreadedLookups(self._lookups)
        async with self._session(work.most_open) as session:
            working = asyncio.ensure_future(self._work_all(session, work))
            stopped = asyncio.ensure_future(self._stopped.wait())
            try:
                await asyncio.wait(
                    (working, stopped),
                    timeout=deadline_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                stopped.cancel()
                working.cancel()
            # At the deadline, what is in flight is cancelled and its body discarded.
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def _work_all(self, session: aiohttp.ClientSession, work: Work) -> None:
        """Make all attempts; an unexpected error in one ends all."""
        try:
            async with asyncio.TaskGroup() as group:
                judge = group.create_task(self._judge(work))
                await self._start_all(session, work, group)
                judge.cancel()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _start_all(
        self, session: aiohttp.ClientSession, work: Work, group: asyncio.TaskGroup
    ) -> None:
        """Start every attempt when it may; return when all have ended."""
        while (step := work.next()) is not None or self._tasks:
            if isinstance(step, Attempt):
                task = group.create_task(self._try(session, work, step))
                self._tasks[step] = task
                continue
            self._has_ended.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(step):
                    await self._has_ended.wait()

    async def _judge(self, work: Work) -> None:
        """End what takes too long; whoever is silent makes room for another."""
        now = asyncio.get_running_loop().time
        while True:
            # By the time before the sleep: all that came until then has been read by
            # now, however long this process stood still.
            judged_at = now()
            await asyncio.sleep(JUDGE_EVERY_S)
            for attempt, task in tuple(self._tasks.items()):
                if attempt in self._overdue:  # a second cancellation would be ours
                    continue
                if attempt.stage is not Stage.ASKED:
                    attempt.stage = self._resolver.stage(self._hostnames[attempt])
                if overdue := work.judge(attempt, judged_at):
                    self._overdue[attempt] = overdue
                    task.cancel()

    def _session(self, most_open: int) -> aiohttp.ClientSession:
        options = self._options
        connector = aiohttp.TCPConnector(
            limit=most_open,
            resolver=self._resolver,
            ssl=trust.context(),
            keepalive_timeout=_KEEPALIVE_S,
            ttl_dns_cache=_DNS_TTL_S,
            socket_factory=guard.guarded_socket(allow_private=options.allow_private),
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(),  # the work judges how long a try may take
            headers=self._headers,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[stages()],
        )

    async def _try(
        self, session: aiohttp.ClientSession, work: Work, attempt: Attempt
    ) -> None:
        try:
            download = await self._attempt(session, attempt)
        except asyncio.CancelledError:
            overdue = self._overdue.pop(attempt, None)
            task = asyncio.current_task()
            if overdue is None or task is None or task.uncancel():
                raise
            download = attempt.body.fail(*overdue)
        del self._tasks[attempt]  # `ended` may have it tried again at once
        self._overdue.pop(attempt, None)
        self._hostnames.pop(attempt, None)
        self._has_ended.set()
        work.ended(attempt, download)

    async def _attempt(
        self, session: aiohttp.ClientSession, attempt: Attempt
    ) -> Download:
        body = attempt.body
        try:
            return await self._follow(session, attempt)
        except RefusedError as refusal:
            return body.fail(refusal.outcome, refusal.detail)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return body.fail(*self._diagnose(error))
        except asyncio.CancelledError:
            body.discard()
            raise

    async def _follow(
        self, session: aiohttp.ClientSession, attempt: Attempt
    ) -> Download:
        """Fetch a URL and its redirects, which aiohttp itself would encode again."""
        url = attempt.url
        for _ in range(redirects.MAX_REDIRECTS + 1):
            result = await self._fetch(session, url, attempt)
            if isinstance(result, Download):
                return result
            url = redirects.checked(result)
        detail = f"redirected more than {redirects.MAX_REDIRECTS} times"
        return attempt.body.fail(Outcome.TOO_MANY_REDIRECTS, detail)

    async def _fetch(
        self, session: aiohttp.ClientSession, url: str, attempt: Attempt
    ) -> Download | str:
        """Return how the attempt ended, or the URL that it was redirected to."""
        body = attempt.body
        verbatim = URL(url, encoded=url.isascii())  # encoding would break signed URLs
        attempt.stage = Stage.CONNECTING
        self._hostnames[attempt] = verbatim.host or ""
        request = session.get(
            verbatim, allow_redirects=False, trace_request_ctx=attempt
        )
        async with request as response:
            attempt.is_answered = True
            attempt.received += 1  # the head, however long
            try:
                locations = response.headers.getall("Location", ())
                if target := redirects.target_of(response.status, locations):
                    return redirects.absolute(url, target)
                self._begin(body, response)
            except RefusedError as refusal:
                wait_s = _retry_after(response.headers.get("Retry-After", ""))
                response.close()
                return body.fail(refusal.outcome, refusal.detail, wait_s)
            while chunk := await response.content.readany():
                attempt.received += len(chunk)
                body.write((chunk,))
            return body.finish()

    def _begin(self, body: Body, response: aiohttp.ClientResponse) -> None:
        headers, options = response.headers, self._options
        coding = headers.get("Transfer-Encoding", "")
        if not _TRANSFER_CODINGS.issuperset(coding.lower().replace(",", " ").split()):
            detail = f"not HTTP: a body was sent as {coding}, which nobody asked for"
            raise RefusedError(Outcome.PROTOCOL, detail)
        robots = "\n".join(headers.getall("X-Robots-Tag", ()))
        body.begin(
            response.status,
            headers.get("Content-Type", ""),
            response.content_length,
            robots if options.respect_robots else "",
            headers.get("Content-Encoding", ""),
        )

    def _diagnose(self, error: Exception) -> tuple[Outcome, str]:
        """Return the outcome that an exception stands for, and a line of detail."""
        if isinstance(error, guard.BadUrlError):
            return Outcome.BAD_URL, str(error)
        if isinstance(error, OSError) and error.errno == errno.EACCES:
            return Outcome.BLOCKED, f"not permitted: {error.strerror}"  # by the guard
        if isinstance(error, OSError) and (reason := shortage(error)):
            return Outcome.UNSTARTED, reason
        if isinstance(error, aiohttp.ClientConnectorError):
            cause = error.os_error
            if isinstance(cause, (ConnectionResetError, BrokenPipeError)):
                why = str(cause) or "closed in the TLS handshake"
                return Outcome.CUT, f"the connection broke: {why}"
        for kind, outcome, detail in _MEANINGS:
            if isinstance(error, kind):
                return outcome, detail.format(error=error)
        return Outcome.PROTOCOL, f"{type(error).__name__}: {error}"


def _retry_after(text: str) -> float:
    """Return the seconds to wait that a Retry-After header asks for (RFC 9110)."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return 0.0
