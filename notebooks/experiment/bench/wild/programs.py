"""The programs on a wild list, and their command lines."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from experiment.bench.programs import Program, fetcher, installed, not_installed
from fetcher.contract.options import ENGINES

CONNECTIONS = 100  # of the peers; ours keeps its default

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


def _distribution_version(path: Path) -> str:
    """Return the version of a program that cannot say its own, from its metadata."""
    found = path.resolve().parent.parent.glob(
        f"lib/python*/site-packages/{path.name}-*.dist-info"
    )
    return next((one.stem.rpartition("-")[2] for one in found), "?")
