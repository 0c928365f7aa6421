"""One program on one list like the real web's: files checked, cost measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from experiment.bench.program_run import attempt
from experiment.bench.programs import CONNECTIONS
from origin.temporary_folders import memory_folder
from origin.wild import WildOrigin, check

if TYPE_CHECKING:
    from experiment.bench.programs import Program


class WildSetting(NamedTuple):
    """
    A wild list, and when who is not done with it is stopped.

    The limit of 215 s is that of the measurements of November 2026 that the list's
    mixture comes from: most peers need longer.
    """

    urls: int = 4_000
    hosts: int = 1_133
    seed: int = 1
    limit_s: float = 215.0


def measure_wild(
    program: Program, setting: WildSetting
) -> tuple[dict[str, Any], pd.DataFrame]:
    """
    Run a program once, alone with a new origin, into a temporary folder.

    Returns:
        A row of ``wild.csv``, and a row of ``wild_files.csv`` for each good file.
    """
    origin = WildOrigin(setting.urls, setting.hosts, seed=setting.seed)
    room_bytes = sum(url.size_bytes for url in origin.web.urls)
    with memory_folder("wild-", room_bytes) as scratch, origin:
        done = attempt(program, origin.urls, scratch, CONNECTIONS, setting.limit_s)
        found, started_at = check(done.folder, origin.web), done.row["started_at"]
        requests = origin.requests().total()
    good, cost = len(found.good), done.cost
    row = {
        **setting._asdict(),
        **done.row,
        "requests": requests,
        "stopped": cost.wall_s >= setting.limit_s,
        "t95_s": found.seconds_until(0.95, started_at),
        "last_s": found.seconds_until(1, started_at),
        "good": good,
        "good_urls": good + found.missing.total(),
        "junk": found.junk.total(),
        "cpu_s_per_1000_urls": cost.cpu_s / setting.urls * 1e3,
        "error": "",
    }
    if not good:  # with dead URLs in the list, most end with another status than 0
        row["error"] = f"no good file, exit status {cost.status}: {done.last_words}"
    seconds = [round(at - started_at, 3) for at in sorted(found.good.values())]
    return row, pd.DataFrame({"program": program.name, "seconds": seconds})
