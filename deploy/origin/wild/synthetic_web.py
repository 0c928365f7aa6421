"""A list of URLs over many hosts, and the truth about each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from random import Random
from typing import TYPE_CHECKING

from origin.wild.fates import FATES, FEWER_HOSTS, counts, mixture
from origin.wild.pictures import KINDS, LEAST_BYTES, picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIRST_ADDRESS = IPv4Address("127.16.0.1")
_GONE = "gone-{}.invalid"
_MOST_HOSTS = 1_000_000
_MEDIAN_BYTES, _MOST_BYTES = 60_000, 2_000_000
_KIND_WEIGHTS = (80, 12, 8)  # per cent
_MEDIAN_FIRST_BYTE_S, _FIRST_BYTE_S = 0.2, (0.02, 2.0)  # from 20 to 2,000 ms
_SIZE_SIGMA, _HOST_SIGMA, _URL_SIGMA, _POPULARITY_SIGMA = 0.7, 0.9, 0.2, 1.0
_MISTYPED = (
    ("png", "image/jpeg"),
    ("webp", "image/jpeg"),
    ("jpeg", "application/octet-stream"),
    ("jpeg", "binary/octet-stream"),
    ("png", "text/plain"),
    ("jpeg", ""),  # no Content-Type
)
_SUFFIXES = {"jpeg": "jpg"}


@dataclass(frozen=True, slots=True)
class WildUrl:
    """
    A URL, and what its host does when asked for it.

    Attributes:
        number: Its position in the list, from 0; the digits of its file name.

        host: An address of 127.0.0.0/8, or a name that no resolver knows.

        kind: The format of its picture: ``jpeg``, ``png`` or ``webp``.

        content_type: The header's value; empty: no such header.

        first_byte_s: From the request to the first byte of its answer.
    """

    number: int
    host: str
    fate: str
    kind: str
    size_bytes: int
    content_type: str
    first_byte_s: float

    @property
    def good(self) -> bool:
        """Whether a patient client can get the picture."""
        return FATES[self.fate].good

    @property
    def path(self) -> str:
        """Return its path, as in ``/images/0000012.jpg``."""
        return f"/images/{self.number:07}.{_SUFFIXES.get(self.kind, self.kind)}"

    def url(self, port: int) -> str:
        """Return it as it stands in a list, for a server on this port."""
        scheme = "https" if self.fate == "tls" else "http"
        place = self.host if self.fate == "dns" else f"{self.host}:{port}"
        return f"{scheme}://{place}{self.path}"

    def body(self) -> bytes:
        """Return the bytes of its picture."""
        return picture(self.kind, self.size_bytes, self.number)


class Web:
    """
    URLs over hosts, dealt from a seed: equal arguments give equal webs.

    Args:
        seed: Another seed gives other sizes, delays, and another order.

        shares: Shares of the fates that occur, which sum to 1; None: those of
            `origin.wild.fates`. ``{"limited": 1}`` is a web of limited hosts.

        delays: Whether the first byte takes its time.

    Raises:
        ValueError: If there are too few URLs for the hosts, or hosts for the fates.
    """

    def __init__(
        self,
        urls: int = 4_000,
        hosts: int = 1_133,
        *,
        seed: int = 1,
        shares: Mapping[str, float] | None = None,
        delays: bool = True,
    ) -> None:
        self._random = Random(seed)  # noqa: S311 no secret
        self._delays = delays
        by_fate = counts(urls, shares or mixture())
        self.urls = self._dealt(by_fate, hosts)

    @cached_property
    def hosts(self) -> dict[str, str]:
        """Return the fate of each host; ``good``: its URLs' fates differ."""
        return {
            url.host: url.fate if FATES[url.fate].of_host else "good"
            for url in self.urls
        }

    def lines(self, port: int) -> Iterator[str]:
        """Yield the list, a URL a line, for a server on this port."""
        return (url.url(port) for url in self.urls)

    def _dealt(self, by_fate: Mapping[str, int], hosts: int) -> list[WildUrl]:
        """Deal the URLs of each fate over its hosts, then shuffle them."""
        groups: dict[str, list[str]] = {}
        for fate, count in by_fate.items():
            group = fate if FATES[fate].of_host else "good"
            groups.setdefault(group, []).extend([fate] * count)
        dealt = []
        first = 0
        for group, count in _hosts_of(groups, hosts).items():
            fates = groups[group]
            self._random.shuffle(fates)
            owners = self._owners(len(fates), count)
            pairs = zip(owners, fates, strict=True)
            dealt += [(first + owner, fate) for owner, fate in pairs]
            first += count
        self._random.shuffle(dealt)
        speeds = [
            self._random.lognormvariate(math.log(_MEDIAN_FIRST_BYTE_S), _HOST_SIGMA)
            for _ in range(first)
        ]
        return [
            self._url(number, host, fate, speeds[host])
            for number, (host, fate) in enumerate(dealt)
        ]

    def _owners(self, urls: int, hosts: int) -> list[int]:
        """Return the host of each URL: one each, and the rest by popularity."""
        popularity = [
            self._random.lognormvariate(0, _POPULARITY_SIGMA) for _ in range(hosts)
        ]
        rest = self._random.choices(range(hosts), popularity, k=urls - hosts)
        return [*range(hosts), *rest]

    def _url(self, number: int, host: int, fate: str, speed_s: float) -> WildUrl:
        random = self._random
        (kind,) = random.choices(list(KINDS), _KIND_WEIGHTS)
        content_type = KINDS[kind]
        if fate == "mistyped":
            kind, content_type = _MISTYPED[number % len(_MISTYPED)]
        if fate == "parked":
            content_type = ("text/html", "image/jpeg")[host % 2]
        size = random.lognormvariate(math.log(_MEDIAN_BYTES), _SIZE_SIGMA)
        first_byte_s = random.lognormvariate(math.log(speed_s), _URL_SIGMA)
        least_s, most_s = _FIRST_BYTE_S if self._delays else (0.0, 0.0)
        return WildUrl(
            number=number,
            host=_GONE.format(host) if fate == "dns" else str(_FIRST_ADDRESS + host),
            fate=fate,
            kind=kind,
            size_bytes=min(max(int(size) // 2 * 2, LEAST_BYTES), _MOST_BYTES),
            content_type=content_type,
            first_byte_s=min(max(first_byte_s, least_s), most_s),
        )


def _hosts_of(groups: Mapping[str, list[str]], hosts: int) -> dict[str, int]:
    """Return the number of hosts for each group: at least one, and a URL for each."""
    urls = sum(map(len, groups.values()))
    if not len(groups) <= hosts <= min(urls, _MOST_HOSTS):
        msg = (
            f"There are {hosts:,} hosts; for {urls:,} URLs of {len(groups)} kinds of "
            f"hosts they must be from {len(groups)} to {min(urls, _MOST_HOSTS):,}."
        )
        raise ValueError(msg)
    found = dict.fromkeys(groups, 1)
    weights = {
        group: len(fates) * FEWER_HOSTS.get(group, 1) for group, fates in groups.items()
    }
    for _ in range(hosts - len(groups)):
        room = [group for group in groups if found[group] < len(groups[group])]
        found[max(room, key=lambda group: weights[group] / found[group])] += 1
    return found
