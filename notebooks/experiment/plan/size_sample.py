"""
Sizes of the files of a list: what it tells, or the heads of a few of its files.

Hosts are asked as downloads ask them, with the same guard against private addresses,
and politely: for heads only, a few at a time, and no longer once they ask for less.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from statistics import mean, median
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from experiment.parameters.fleet import FleetSettings
from experiment.plan.url_facts import region_in, sizes_of
from experiment.tables.words import size
from fetcher import __version__
from fetcher.engines.aiohttp_lookups import Lookups
from fetcher.lists.url_list import UrlList
from fetcher.s3.urls import SCHEME
from fetcher.security import guard, trust
from fetcher.transfer import redirects
from fetcher.transfer.refused_response import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiment.parameters.fan_out import FanOutSettings

_AT_ONCE, _AT_A_HOST = 8, 2
_ANSWERS_WITHIN_S, _LONGEST_S = 10.0, 60.0
_SEED = 16
_HEADERS = {
    "User-Agent": f"million-downloads/{__version__} (sizes of a sample)",
    "Accept-Encoding": "identity",
}
_SLOW_DOWN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}

NO_URL, IN_S3, NO_LENGTH, NO_ANSWER, BLOCKED, HOST_IS_BUSY, NOT_ASKED = (
    "hold no URL, or one that was there before",
    "are s3:// URLs, which only executions read",
    "told no length, or 0",
    "did not answer",
    "are at addresses that may not be contacted",
    "are at hosts that asked for fewer requests",
    "were not asked, or had not answered, within a minute",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    Some rows of a list.

    Attributes:
        files: Rows that the list has.

        rows: Rows looked at.

        sizes_bytes: Of those whose size is known.

        told: How many of them the list itself told.

        unknown: How many of the others there are, by reason.

        is_from_s3: Whether most are in S3.

        scheme: ``https``, or ``http`` if most say so.
    """

    files: int
    rows: int
    sizes_bytes: tuple[float, ...]
    told: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    is_from_s3: bool = False
    scheme: str = "https"

    def __str__(self) -> str:
        """Say how many sizes are known, from where, and why others are not."""
        known, text = len(self.sizes_bytes), f"{self.rows:,} of {self.files:,} rows"
        if known:
            typical, average = median(self.sizes_bytes), mean(self.sizes_bytes)
            heads = known - self.told
            source = f"{self.told:,} by the list, {heads:,} by HEAD requests"
            text += (
                f", {known:,} sizes known ({source}): "
                f"median {size(float(f'{typical / 1_000:.3g}'))}, "
                f"mean {size(float(f'{average / 1_000:.3g}'))}"
            )
        if not self.unknown:
            return text
        if not known:
            text += ", no size known: all are as large as the settings say"
        reasons = (f"{count:,} {why}" for why, count in self.unknown.most_common())
        share = f"{(1 - known / self.rows) * 100:.0f} %"
        return f"{text}; unknown: {share}, since {', '.join(reasons)}"


def sample_for(settings: FanOutSettings) -> Sample | None:
    """
    Return a sample of the list that settings name; None: they name none.

    Its rows are drawn at random, always the same ones. The list is read to its end, so
    that they are counted, not estimated.

    Raises:
        UrlListError: If the list cannot be used.

        OSError: If it cannot be read.
    """
    if not settings.url_list:
        return None
    kind = settings if isinstance(settings, FleetSettings) else FleetSettings
    urls = UrlList(
        settings.url_list,
        columns=settings.columns,
        allow_s3=True,
        allow_credentials=False,
    )
    count = len(urls)
    few = min(kind.sample, count)
    numbers = sorted(Random(_SEED).sample(range(count), few))  # noqa: S311
    sizes: list[float] = []
    unknown: Counter[str] = Counter()
    seen: list[str] = []
    to_ask: list[str] = []
    for row in urls.blocks((number, 1) for number in numbers):
        url, tells = row.urls[0], sizes_of(row)[0]
        seen.append(url)
        if any(row.refusals):
            unknown[NO_URL] += 1
        elif tells:
            sizes.append(float(tells))
        elif url.startswith(SCHEME):
            unknown[IN_S3] += 1
        else:
            to_ask.append(url)
    told = len(sizes)
    for answer in _asked(to_ask, allow_private=settings.allow_private):
        if isinstance(answer, str):
            unknown[answer] += 1
        else:
            sizes.append(answer)
    in_s3 = sum(url.startswith(SCHEME) or bool(region_in(url)) for url in seen)
    plain = sum(url.startswith("http:") for url in seen)
    return Sample(
        files=count,
        rows=len(seen),
        sizes_bytes=tuple(sizes),
        told=told,
        unknown=unknown,
        is_from_s3=2 * in_s3 > len(seen),
        scheme="http" if 2 * plain > len(seen) else "https",
    )


def _asked(urls: Sequence[str], *, allow_private: bool) -> list[float | str]:
    """Return the size of each file, or the reason why it is unknown."""
    if not urls:
        return []
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(Lookups())
        return runner.run(_Heads(allow_private=allow_private).of(urls))


class _Heads:
    """Requests for heads, few at once."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._room_at: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_AT_A_HOST)
        )
        self._busy: set[str] = set()

    async def of(self, urls: Sequence[str]) -> list[float | str]:
        """Return what is known of each URL, within a minute."""
        connector = aiohttp.TCPConnector(
            ssl=trust.context(),
            socket_factory=guard.guarded_socket(allow_private=self._allow_private),
        )
        async with aiohttp.ClientSession(
            connector=connector,
            headers=_HEADERS,
            timeout=aiohttp.ClientTimeout(total=_ANSWERS_WITHIN_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            tasks = [asyncio.create_task(self._one(session, url)) for url in urls]
            _, late = await asyncio.wait(tasks, timeout=_LONGEST_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        return [NOT_ASKED if task in late else task.result() for task in tasks]

    async def _one(self, session: aiohttp.ClientSession, url: str) -> float | str:
        host = urlsplit(url).netloc
        async with self._room_at[host], self._room:
            if host in self._busy:
                return HOST_IS_BUSY
            try:
                return await self._followed(session, url, host)
            except (guard.BadUrlError, guard.BlockedError, RefusedError):
                return BLOCKED
            except aiohttp.ClientConnectorError as error:
                blocked = isinstance(error.os_error, guard.BlockedError)
                return BLOCKED if blocked else NO_ANSWER
            except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
                return NO_ANSWER

    async def _followed(
        self, session: aiohttp.ClientSession, url: str, host: str
    ) -> float | str:
        """Follow redirects as downloads do, each to an address that is checked."""
        for _ in range(redirects.MAX_REDIRECTS + 1):
            guard.check_url(url)
            verbatim = URL(url, encoded=url.isascii())
            async with session.head(verbatim, allow_redirects=False) as response:
                if response.status in _SLOW_DOWN:
                    self._busy.add(host)
                    return HOST_IS_BUSY
                locations = response.headers.getall("Location", ())
                if target := redirects.target_of(response.status, locations):
                    url = redirects.checked(redirects.absolute(url, target))
                    continue
                if response.status != HTTPStatus.OK:
                    return f"answered {response.status}"
                length = response.headers.get("Content-Length", "")
                is_plain = "Content-Encoding" not in response.headers
                known = length.isascii() and length.isdigit() and is_plain
                return float(length) if known and int(length) else NO_LENGTH
        return f"redirected more than {redirects.MAX_REDIRECTS} times"
