"""Figures in words."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_IN_A_FIGURE = re.compile(r"(?<=\d) (?=[\w%])|(?<=\d min) (?=\d)|(?<=\d h) (?=\d)")


def unbroken(text: str) -> str:
    """Return a text with no-break spaces between figures and their units."""
    return _IN_A_FIGURE.sub("\xa0", text)


def size(kilobytes: float) -> str:
    """
    Return a file size in words.

    >>> size(10), size(999), size(1_000), size(1_700)
    ('10 kB', '999 kB', '1 MB', '1.7 MB')
    """
    thousand = 1_000
    if kilobytes < thousand:
        return f"{kilobytes:,g} kB"
    return f"{kilobytes / thousand:,g} MB"


def duration(seconds: float | None) -> str:
    """
    Return a time in words, to a tenth of a second around the goal.

    None and NaN are unknown.

    >>> [duration(seconds) for seconds in (0.058, 0.9996, 4.26, 60.3, 320, 36_000)]
    ['58 ms', '1.0 s', '4.3 s', '60.3 s', '5 min 20 s', '10 h 0 min']
    """
    if seconds is None or math.isnan(seconds):
        return "unknown"
    if seconds < 0.9995:  # noqa: PLR2004 - rounded, the last millisecond makes a second
        return f"{seconds * 1_000:.0f} ms"
    if seconds < 100:  # noqa: PLR2004 - the goal is 60
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def microseconds(of_cpu: float | None) -> str:
    """
    Return the CPU of a file in words; None and NaN are unknown.

    >>> microseconds(1_234.5), microseconds(None)
    ('1,234 µs', 'unknown')
    """
    if of_cpu is None or math.isnan(of_cpu):
        return "unknown"
    return f"{of_cpu:,.0f} µs"


def listed(texts: list[str], most: int = 3) -> str:
    """
    Return texts as a list in a sentence.

    >>> listed(["a"]), listed(list("abcd")), listed(list("abcdef"))
    ('a', 'a, b, c and d', 'a, b, c and 3 others')
    """
    if len(texts) > most + 1:
        texts = [*texts[:most], f"{len(texts) - most} others"]
    *most_of_them, last = texts
    return f"{', '.join(most_of_them)} and {last}" if most_of_them else last


def where_measured(runs: pd.DataFrame) -> str:
    """
    Return the footnote that keeps a local run from being mistaken for AWS.

    >>> import pandas as pd
    >>> here = {"target": "local", "machine": "2 cores"}
    >>> where_measured(pd.DataFrame({"files": [400, 900, 400], **here}))
    'target: local, this machine (2 cores), not AWS. 400 to 900 files a run'
    >>> where_measured(pd.DataFrame({"files": [400], "target": "aws"}))
    'target: aws. 400 files a run'
    """
    first, files = runs.iloc[0], runs["files"]
    place = first["target"]
    if place == "local":
        place = f"local, this machine ({first['machine']}), not AWS"
    least, most = files.min(), files.max()
    many = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"target: {place}. {many} files a run"
