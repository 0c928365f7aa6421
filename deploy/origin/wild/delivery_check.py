"""What a downloader made of a wild list."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from origin.wild.synthetic_web import Web, WildUrl

_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
_NUMBER = re.compile(r"\d+$")
_CONTROL = ".aria2"  # aria2c keeps such a file beside each that is not whole yet


@dataclass(frozen=True, slots=True)
class Delivered:
    """
    Files under the names of pictures, each compared byte by byte.

    Attributes:
        good: When each good file got its name, by its number, in s since the epoch.

        missing: Good URLs whose file is not there or is junk, by fate.

        junk: Files that are not the picture of their URL, by fate.
    """

    good: dict[int, float] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    junk: Counter[str] = field(default_factory=Counter)

    @property
    def good_share(self) -> float:
        """Return the share of the good URLs whose file is there."""
        return len(self.good) / ((len(self.good) + self.missing.total()) or 1)

    def seconds_until(self, share: float, started_at: float) -> float:
        """
        Return when this share of the good files that came was there.

        Args:
            share: Above 0, and up to 1.

            started_at: When the downloader was started, in s since the epoch.
        """
        times = sorted(self.good.values())
        if not times:
            return float("nan")
        return times[max(0, round(len(times) * share) - 1)] - started_at


def check(folder: Path, web: Web) -> Delivered:
    """
    Compare every picture under a folder with its URL's.

    Files with other suffixes, hidden ones, and those that a control file of aria2c
    marks as unfinished do not count.

    Args:
        folder: Searched with its subfolders. The last digits of a file's name, without
            the suffix, are the URL's position in the list.

        web: The web of the list.
    """
    found = Delivered()
    for path in folder.rglob("*"):
        if path.suffix in _PICTURES and not path.name.startswith("."):
            _judge(path, web, found)
    good = Counter(url.fate for url in web.urls if url.good)
    found.missing.update(good - Counter(web.urls[n].fate for n in found.good))
    return found


def _judge(path: Path, web: Web, found: Delivered) -> None:
    url = _url_of(path, web)
    if url and url.good and path.read_bytes() == url.body():
        # The time of the inode's last change: a rename sets it, a server's date not.
        found.good[url.number] = path.stat().st_ctime
    elif not path.with_name(path.name + _CONTROL).exists():
        found.junk[url.fate if url else "unknown"] += 1


def _url_of(path: Path, web: Web) -> WildUrl | None:
    digits = _NUMBER.search(path.stem)
    number = int(digits[0]) if digits else len(web.urls)
    return web.urls[number] if number < len(web.urls) else None
