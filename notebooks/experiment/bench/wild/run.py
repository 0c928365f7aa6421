"""One program on one wild list: every file checked, its cost measured."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from experiment.bench.process_cost import run
from experiment.bench.programs import environ
from experiment.bench.wild.programs import CONNECTIONS
from origin.temporary_folders import RAM, memory_folder
from origin.wild import WildOrigin, check

if TYPE_CHECKING:
    from pathlib import Path

    from experiment.bench.process_cost import ProcessCost
    from experiment.bench.programs import Program
    from origin.wild import Delivered

_MESSAGE_LENGTH = 200


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
        urls, output, folder = (scratch / name for name in ("urls", "output", "files"))
        folder.mkdir()
        program.write_list(urls, origin.urls)
        started_at = datetime.now(UTC).timestamp()
        cost = run(
            program.arguments(urls, CONNECTIONS, None),
            folder=folder,
            environ=environ(scratch, None),
            output=output,
            limit_s=setting.limit_s,
        )
        found = check(folder, origin.web)
        row = {
            **setting._asdict(),
            "program": program.name,
            "version": program.version,
            "ours": program.ours,
            "stored_in": "RAM" if scratch.is_relative_to(RAM) else "disk",
            "started_at": started_at,
            "requests": origin.requests().total(),
            **_figures(cost, found, setting, started_at),
            "error": _failure(found, cost, output),
        }
    return row, _files(program, found, started_at)


def _figures(
    cost: ProcessCost, found: Delivered, setting: WildSetting, started_at: float
) -> dict[str, float]:
    return {
        "wall_s": cost.wall_s,
        "stopped": cost.wall_s >= setting.limit_s,
        "t95_s": found.seconds_until(0.95, started_at),
        "last_s": found.seconds_until(1, started_at),
        "good": len(found.good),
        "good_urls": len(found.good) + found.missing.total(),
        "junk": found.junk.total(),
        "cpu_s": cost.cpu_s,
        "cpu_s_per_1000_urls": cost.cpu_s / setting.urls * 1e3,
        "peak_rss_bytes": cost.peak_rss_bytes,
    }


def _failure(found: Delivered, cost: ProcessCost, output: Path) -> str:
    """
    Say how a program failed that got nothing.

    With dead URLs in the list, most end with another status than 0.
    """
    if found.good:
        return ""
    lines = output.read_text(errors="replace").strip().splitlines()
    last = lines[-1].strip()[:_MESSAGE_LENGTH] if lines else ""
    return f"no good file, exit status {cost.status}: {last}"


def _files(program: Program, found: Delivered, started_at: float) -> pd.DataFrame:
    """Return when each good file came, in order."""
    times = sorted(found.good.values())
    seconds = [round(at - started_at, 3) for at in times]
    return pd.DataFrame({"program": program.name, "seconds": seconds})
