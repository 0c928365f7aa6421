"""The programs that `experiment.bench` compares, and how each is told its work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from fetcher.contract.options import ENGINES, Options
from fetcher.transfer.transfers import engine_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CURL = "curl -Z"
_VERSION = re.compile(r"\d+(?:\.\d+)+")


@dataclass(frozen=True, slots=True)
class Program:
    """
    A program that downloads a list of URLs into the folder it is started in.

    Each file gets the name that its URL ends with.

    Attributes:
        name: As in ``wget2``.

        line: How its list tells a URL and the name of the file.

        command: What is started, with ``{urls}`` for the list's path and
            ``{connections}`` for the downloads in flight at once.

        trust: What is added for HTTPS, with ``{ca_file}``.

        ours: Whether it is this project's.

        version: As it tells it.
    """

    name: str
    line: str
    command: tuple[str, ...]
    trust: tuple[str, ...] = ()
    ours: bool = False
    version: str = ""

    def write_list(self, path: Path, urls: Iterable[str]) -> None:
        """Write the list of what to download."""
        with path.open("w") as file:
            file.writelines(
                self.line.format(url=url, file=url.rpartition("/")[2]) for url in urls
            )

    def arguments(
        self, urls: Path, connections: int, ca_file: Path | None
    ) -> list[str]:
        """Return the command line; no CA file: it needs none."""
        words = self.command + (self.trust if ca_file else ())
        values = {"urls": urls, "connections": connections, "ca_file": ca_file}
        return [word.format(**values) for word in words]


def programs() -> list[Program]:
    """Return ours, one for each engine, and the peers that are installed."""
    return [_fetcher(engine) for engine in ENGINES] + [
        replace(peer, version=_version(path))
        for peer in _PEERS
        if (path := shutil.which(peer.command[0]))
    ]


def not_installed() -> list[str]:
    """Return the names of the peers that are not."""
    return [peer.name for peer in _PEERS if not shutil.which(peer.command[0])]


def environ(home: Path, ca_file: Path | None) -> dict[str, str]:
    """
    Return the variables to start programs with: no proxy, nobody's configuration.

    Args:
        home: Where they look for configuration, and find none.

        ca_file: What those trust that take it from here.
    """
    plain = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)}
    return plain | ({"SSL_CERT_FILE": str(ca_file)} if ca_file else {})


def _fetcher(engine: str) -> Program:
    said = engine_for(Options(engine=engine)).name
    return Program(
        name=f"fetcher ({engine})",
        line="{url}\t{file}\n",
        command=(
            *(sys.executable, "-P", "-m", "fetcher", "{urls}"),
            *("--to", ".", "--connections", "{connections}", "--engine", engine),
            *("--allow-private", "--report", "{urls}.report.jsonl"),
        ),
        ours=True,
        version=f"{version('million-downloads')}, {said}",
    )


def _version(path: str) -> str:
    told = subprocess.run(
        [path, "--version"], capture_output=True, text=True, check=True
    )
    found = _VERSION.findall(told.stdout)
    return found[0] if found else "?"


# Switches that keep a program from reading a configuration, asking for what is not on
# the list, or holding back: robots.txt, HSTS, files given their full size beforehand.
_PEERS = (
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
