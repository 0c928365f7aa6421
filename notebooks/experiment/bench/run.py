"""One run of one program: its files checked, its cost measured."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from experiment.bench.delivery_check import fault_in
from experiment.bench.process_cost import run
from experiment.bench.programs import environ
from origin import Origin, jpeg
from origin.nginx import Nginx, is_installed
from origin.temporary_folders import RAM, memory_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from experiment.bench.process_cost import ProcessCost
    from experiment.bench.programs import Program

LIMIT_S = 600  # a longer run hangs
_MESSAGE_LENGTH = 200


class Setting(NamedTuple):
    """The parameters that all programs share."""

    scheme: str
    file_bytes: int
    files: int
    connections: int


class Served(NamedTuple):
    """
    A running origin.

    Attributes:
        name: As in ``nginx 1.22.1``.

        schemes: Those it supports.

        template: Makes URLs with ``{number}`` for a size and a scheme.

        ca_file: The CA file of its HTTPS; None: it has no HTTPS.
    """

    name: str
    schemes: tuple[str, ...]
    template: Callable[[int, str], str]
    ca_file: Path | None


@contextmanager
def origin_for(sizes: Iterable[int]) -> Iterator[Served]:
    """Start nginx if it is installed, else our own origin, without HTTPS."""
    if is_installed():
        with Nginx(sizes, https=True) as nginx:
            name = f"nginx {nginx.version}"
            yield Served(name, ("http", "https"), nginx.template, nginx.ca_file)
    else:
        with Origin() as origin:
            name = "origin (nginx is not installed, so HTTP only)"
            yield Served(name, ("http",), lambda size, _: origin.template(size), None)


def measure(
    program: Program, setting: Setting, served: Served, limit_s: float = LIMIT_S
) -> dict[str, Any]:
    """
    Run a program once, in a temporary folder.

    Returns:
        A row of ``bench.csv``. ``error`` says what went wrong, if anything.
    """
    ca_file = served.ca_file if setting.scheme == "https" else None
    template = served.template(setting.file_bytes, setting.scheme)
    room_bytes = setting.files * setting.file_bytes
    with memory_folder("bench-", room_bytes) as scratch:
        urls, output, folder = (scratch / name for name in ("urls", "output", "files"))
        folder.mkdir()
        numbers = range(setting.files)
        program.write_list(urls, (template.format(number=n) for n in numbers))
        started_at = datetime.now(UTC).timestamp()
        cost = run(
            program.arguments(urls, setting.connections, ca_file),
            folder=folder,
            environ=environ(scratch, ca_file),
            output=output,
            limit_s=limit_s,
        )
        picture = jpeg(setting.file_bytes)
        error = _failure(cost, output, limit_s) or fault_in(
            folder, setting.files, picture
        )
        stored_in = "RAM" if scratch.is_relative_to(RAM) else "disk"
    return {
        **setting._asdict(),
        "program": program.name,
        "version": program.version,
        "ours": program.ours,
        "origin": served.name,
        "stored_in": stored_in,
        "started_at": started_at,
        **_figures(cost, setting),
        "error": error,
    }


def _figures(cost: ProcessCost, setting: Setting) -> dict[str, float]:
    return {
        "wall_s": cost.wall_s,
        "cpu_s": cost.cpu_s,
        "peak_rss_bytes": cost.peak_rss_bytes,
        "files_per_s": setting.files / cost.wall_s,
        "mb_per_s": setting.files * setting.file_bytes / 1e6 / cost.wall_s,
        "cpu_us_per_file": cost.cpu_s / setting.files * 1e6,
    }


def _failure(cost: ProcessCost, output: Path, limit_s: float) -> str:
    """Say how a program failed, in its own words if there are any."""
    if cost.wall_s >= limit_s:
        return f"not done after {limit_s:g} s"
    if cost.status == 0:
        return ""
    end = f"exit status {cost.status}"
    if cost.status < 0:
        end = f"killed by {signal.Signals(-cost.status).name}"
    lines = output.read_text(errors="replace").strip().splitlines()
    return f"{end}: {lines[-1].strip()[:_MESSAGE_LENGTH]}" if lines else end
