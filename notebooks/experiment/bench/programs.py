"""The programs that `experiment.bench` compares, and their command lines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.contract.options import ENGINES, Options
from fetcher.transfer.scheduler import engine_for

if TYPE_CHECKING:
    from collections.abc import Iterable

CONNECTIONS = 100  # on the wild list only the peers'; ours keeps its default
CURL = "curl -Z"
_VERSION = re.compile(r"\d+(?:\.\d+)+")


@dataclass(frozen=True, slots=True)
class Program:
    """
    A program that downloads a list of URLs into the folder it is started in.

    Each file is named after the end of its URL.

    Attributes:
        name: As in ``wget2``.

        line: A line of its list, with a URL and the name of the file.

        command: Its command line, with ``{urls}`` for the path of the list and
            ``{connections}`` for the downloads in flight.

        trust: Further arguments for HTTPS, with ``{ca_file}``.

        ours: Whether it is this project's.

        version: As it reports it.
    """

    name: str
    line: str
    command: tuple[str, ...]
    trust: tuple[str, ...] = ()
    ours: bool = False
    version: str = ""

    def write_list(self, path: Path, urls: Iterable[str]) -> None:
        """Write the list of URLs to download."""
        with path.open("w") as file:
            file.writelines(
                self.line.format(url=url, file=url.rpartition("/")[2]) for url in urls
            )

    def arguments(
        self, urls: Path, connections: int, ca_file: Path | None
    ) -> list[str]:
        """Return the command line; without a CA file if there is no HTTPS."""
        arguments = self.command + (self.trust if ca_file else ())
        values = {"urls": urls, "connections": connections, "ca_file": ca_file}
        return [argument.format(**values) for argument in arguments]


def installed() -> list[Program]:
    """Return our program once per engine, and the peers that are installed."""
    ours = [fetcher(engine, "--connections", "{connections}") for engine in ENGINES]
    return ours + [
        replace(peer, version=_version(path))
        for peer in PEERS
        if (path := shutil.which(peer.command[0]))
    ]


def not_installed() -> list[str]:
    """Return the names of the peers that are not installed."""
    return [peer.name for peer in PEERS if not shutil.which(peer.command[0])]


def wild_programs() -> list[Program]:
    """Return ours, at its defaults but for the type, and the peers installed."""
    ours = [fetcher(engine, "--expect-type", "image/") for engine in ENGINES]
    peers = [program for program in installed() if not program.ours]
    if path := shutil.which(_IMG2DATASET.name):
        peers.append(replace(_IMG2DATASET, version=_distribution_version(Path(path))))
    return ours + peers


def wild_not_installed() -> list[str]:
    """Return the names of the peers that are not installed."""
    missing = shutil.which(_IMG2DATASET.name) is None
    return not_installed() + [_IMG2DATASET.name] * missing


def environ(home: Path, ca_file: Path | None) -> dict[str, str]:
    """Return every program's environment: no proxy, an empty home, a CA file if any."""
    plain = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)}
    return plain | ({"SSL_CERT_FILE": str(ca_file)} if ca_file else {})


def fetcher(engine: str, *arguments: str) -> Program:
    """Return our program with an engine, and with these arguments besides."""
    engine_name = engine_for(Options(engine=engine)).name
    return Program(
        name=f"fetcher ({engine})",
        line="{url}\t{file}\n",
        command=(
            *(sys.executable, "-P", "-m", "fetcher", "{urls}"),
            *("--to", ".", "--engine", engine, *arguments),
            *("--allow-private", "--report", "{urls}.report.jsonl"),
        ),
        ours=True,
        version=f"{version('million-downloads')}, {engine_name}",
    )


def _version(path: str) -> str:
    done = subprocess.run(
        [path, "--version"], capture_output=True, text=True, check=True
    )
    version = _VERSION.search(done.stdout)
    return version[0] if version else "?"


def _distribution_version(path: Path) -> str:
    """Return the version of a program that cannot say its own, from its metadata."""
    found = path.resolve().parent.parent.glob(
        f"lib/python*/site-packages/{path.name}-*.dist-info"
    )
    return next((one.stem.rpartition("-")[2] for one in found), "?")


# The switches keep a program from reading a configuration, requesting anything that is
# not on the list (robots.txt, HSTS), and allocating files in advance.
PEERS = (
    Program(
        name=CURL,
        line='url="{url}"\noutput="{file}"\n',
        command=(
            *("curl", "-q", "-fsSZ", "--parallel-max", "{connections}"),
            *("-K", "{urls}"),
        ),
        trust=("--cacert", "{ca_file}"),
    ),
    Program(
        name="wget2",
        line="{url}\n",
        command=(
            *("wget2", "--no-config", "-q", "-nH", "-nd", "--no-robots", "--no-hsts"),
            *("--max-threads={connections}", "-i", "{urls}"),
        ),
        trust=("--ca-certificate={ca_file}",),
    ),
    Program(
        name="aria2c",
        line="{url}\n out={file}\n",
        command=(
            *("aria2c", "--no-conf", "-q", "-j{connections}", "-x1"),
            *("--file-allocation=none", "-i", "{urls}"),
        ),
        trust=("--ca-certificate={ca_file}",),
    ),
)
_IMG2DATASET = Program(
    name="img2dataset",
    line="{url}\n",
    command=(
        *("img2dataset", "--url_list", "{urls}", "--input_format", "txt"),
        *("--output_folder", ".", "--disable_all_reencoding", "True"),
        # Threads are those of each process, which work on a shard each.
        *("--processes_count", "2", "--thread_count", str(CONNECTIONS // 2)),
        *("--number_sample_per_shard", "1000"),
    ),
)
