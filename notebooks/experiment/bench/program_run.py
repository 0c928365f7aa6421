"""One run of one program: its files checked, its cost measured."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

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
_COMPARED = 100  # files compared byte by byte; of the others only the size


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


class Attempt(NamedTuple):
    """
    A program that was run once on a list of URLs.

    Attributes:
        folder: What it wrote.

        last_words: The last line of its output.

        row: The columns that all tables have.
    """

    folder: Path
    cost: ProcessCost
    last_words: str
    row: dict[str, Any]


def attempt(
    program: Program,
    urls: Iterable[str],
    scratch: Path,
    connections: int,
    limit_s: float,
    ca_file: Path | None = None,
) -> Attempt:
    """Run a program in an empty folder of a temporary one."""
    listed, output, folder = (scratch / name for name in ("urls", "output", "files"))
    folder.mkdir()
    program.write_list(listed, urls)
    row = {
        "program": program.name,
        "version": program.version,
        "ours": program.ours,
        "stored_in": "RAM" if scratch.is_relative_to(RAM) else "disk",
        "started_at": datetime.now(UTC).timestamp(),
    }
    cost = run(
        program.arguments(listed, connections, ca_file),
        folder=folder,
        environ=environ(scratch, ca_file),
        output=output,
        limit_s=limit_s,
    )
    lines = output.read_text(errors="replace").strip().splitlines() or [""]
    last_words = lines[-1].strip()[:_MESSAGE_LENGTH]
    return Attempt(folder, cost, last_words, row | cost._asdict())


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
        urls = (template.format(number=n) for n in range(setting.files))
        done = attempt(program, urls, scratch, setting.connections, limit_s, ca_file)
        error = _failure(done, limit_s)
        error = error or fault_in(done.folder, setting.files, jpeg(setting.file_bytes))
    return {
        **setting._asdict(),
        **done.row,
        "origin": served.name,
        "files_per_s": setting.files / done.cost.wall_s,
        "mb_per_s": room_bytes / 1e6 / done.cost.wall_s,
        "cpu_us_per_file": done.cost.cpu_s / setting.files * 1e6,
        "error": error,
    }


def fault_in(folder: Path, files: int, picture: bytes) -> str:
    """
    Say what is wrong with a folder; empty: nothing.

    It must hold ``0.jpg``, ``1.jpg`` and so on, each with the picture's content, and
    nothing else.
    """
    with os.scandir(folder) as entries:
        sizes = {entry.name: entry.stat().st_size for entry in entries}
    expected = [f"{number}.jpg" for number in range(files)]
    for name in expected:
        if name not in sizes:
            arrived = len(sizes.keys() & set(expected))
            return f"{arrived:,} of {files:,} files arrived; {name} is missing"
        if sizes[name] != len(picture):
            return f"{name} has {sizes[name]:,} bytes, not {len(picture):,}"
    if len(sizes) > files:
        extra = min(sizes.keys() - set(expected))
        return f"{len(sizes) - files:,} unexpected files, such as {extra}"
    for name in expected[:: max(1, files // _COMPARED)]:
        if (folder / name).read_bytes() != picture:
            return f"{name} differs from the file that the origin serves"
    return ""


def _failure(done: Attempt, limit_s: float) -> str:
    """Say how a program failed, in its own words if there are any."""
    status = done.cost.status
    if done.cost.wall_s >= limit_s:
        return f"not done after {limit_s:g} s"
    if status == 0:
        return ""
    end = f"exit status {status}"
    if status < 0:
        end = f"killed by {signal.Signals(-status).name}"
    return f"{end}: {done.last_words}" if done.last_words else end
