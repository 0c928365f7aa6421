"""The machine a run took place on, the versions and the commit it ran with."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from experiment.parameters.project_root import root
from fetcher.process.cores import cores

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGES = ("aiohttp", "awslambdaric", "boto3", "moto", "pandas", "papermill")


def machine() -> dict[str, Any]:
    """Return what a reader needs to know to judge a figure measured here."""
    return {
        "name": machine_name(),
        "cpu": _cpu(),
        "cores": cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def machine_name() -> str:
    """
    Describe the machine in a few words, as in ``2 × AMD EPYC, 24 GiB, Linux``.

    There is no host name in it: a published run would leak it.
    """
    gibibytes = round(psutil.virtual_memory().total / 2**30)
    return f"{cores()} × {_cpu()}, {gibibytes} GiB, {platform.system()}"


def commit() -> dict[str, Any]:
    """Return the commit the code is at, and whether files differ from it."""
    head = _git("rev-parse", "HEAD")
    return {"commit": head, "dirty": bool(head and _git("status", "--porcelain"))}


def machines_of(record: Mapping[str, Any]) -> str:
    """
    Return the machines of a run's sessions in words.

    >>> there, elsewhere = {"machine": {"name": "A"}}, {"machine": {"name": "B"}}
    >>> machines_of(there | {"continued": [{}, elsewhere]})
    'A, then B'
    """
    sessions = [record, *record.get("continued", ())]
    named = (one["machine"]["name"] for one in sessions if "machine" in one)
    return ", then ".join(dict.fromkeys(named))


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],  # noqa: S607 - the user's git
            cwd=root(),
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""  # a copy without git has no commit to name
    return done.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()
