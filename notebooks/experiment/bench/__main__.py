"""
Compare `fetcher` with the downloaders that are installed, on this machine.

All download the same files from the same origin on loopback, with the same number of
connections. Each program is started anew for every run and writes into an empty folder
in RAM, and every file is checked. The programs take turns, so that other load on the
machine affects all of them. Time, CPU and memory are those of the whole process,
including its start. HTTPS is HTTP/2 for programs that support it.

Then each fetches a list like those of the real web, alone, once: 4,000 URLs of 1,133
hosts on loopback, a quarter of them dead, some limited. `fetcher` runs at its defaults,
but for --expect-type image/. A program still running after 215 s is
stopped.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from experiment.bench.benchmarks import Scale, loopback, wild
from experiment.bench.program_run import origin_for
from experiment.bench.programs import CONNECTIONS, installed, wild_programs
from experiment.bench.wild_run import WildSetting
from experiment.ledger.invocation import SCHEMA
from experiment.ledger.provenance import commit, machine, machine_name
from experiment.ledger.run_folder import run_folder_for, utc_now
from experiment.parameters.path_resolution import shown_path
from origin import OriginError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from experiment.bench.program_run import Served

_EXIT_OK, _EXIT_SOME_FAILED, _EXIT_COULD_NOT_RUN, _EXIT_INTERRUPTED = 0, 1, 2, 130
_EPILOG = """
Tables are printed and, with a chart, saved in a new folder in results/.

exit status: 0 done, 1 some runs failed, 2 could not run, 130 interrupted
"""


FULL = Scale(
    files={10_000: 30_000, 100_000: 8_000, 1_700_000: 800},
    repeats=3,
    rss_files=(1_000, 100_000),
    wild=WildSetting(),
)
QUICK = Scale(
    files={10_000: 300, 100_000: 100, 1_700_000: 20},
    repeats=1,
    rss_files=(100, 1_000),
    wild=WildSetting(urls=400, hosts=113, limit_s=20),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
    folder = run_folder_for("bench", "local")
    try:
        return bench(_scale(args), folder)
    except OriginError as error:
        print(f"bench: {error}", file=sys.stderr)
        return _EXIT_COULD_NOT_RUN
    except KeyboardInterrupt:
        print(f"\nbench: interrupted; the measurements are in {shown_path(folder)}")
        return _EXIT_INTERRUPTED


def bench(scale: Scale, folder: Path) -> int:
    """Measure, print and save the tables; return the exit status."""
    with ExitStack() as stack:
        served = None
        if scale.files:
            sizes = {*scale.files, scale.rss_file_bytes}
            served = stack.enter_context(origin_for(sizes))
        record = _start_folder(folder, scale, served)
        print(f"machine  {machine_name()}")
        tables = [loopback(scale, served, folder)] if served else []
    if scale.wild:
        tables.append(wild(scale.wild, folder))
    verdicts = [table.verdict for table in tables]
    _save(folder, record | {"ended": utc_now(), "verdict": "\n".join(verdicts)})
    print(f"run      {shown_path(folder)}")
    for table in tables:
        print(f"chart    {shown_path(table.chart)}\nverdict  {table.verdict}")
    return _EXIT_SOME_FAILED if any(table.failed for table in tables) else _EXIT_OK


def _start_folder(folder: Path, scale: Scale, served: Served | None) -> dict[str, Any]:
    """Make the folder of the run; return the content of its ``run.json`` so far."""
    compared = [
        *(installed() if served else []),
        *(wild_programs() if scale.wild else []),
    ]
    record = {
        "schema": SCHEMA,
        "run": folder.name,
        "notebook": "bench",
        "target": "local",
        "settings": {**asdict(scale), "connections": CONNECTIONS},
        "origin": served.name if served else "wild",
        "programs": {program.name: program.version for program in compared},
        **commit(),
        "machine": machine(),
        "started": utc_now(),
    }
    folder.mkdir(parents=True)
    _save(folder, record)
    return record


def _save(folder: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (folder / "run.json").write_text(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiment.bench",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few files, once: only to check that it works, as most of it is start-up",
    )
    parser.add_argument(
        "--table",
        choices=("loopback", "wild"),
        help="only this table: the same files from one host, or a realistic list",
    )
    return parser


def _scale(args: argparse.Namespace) -> Scale:
    scale = QUICK if args.quick else FULL
    if args.table == "loopback":
        return replace(scale, wild=None)
    return replace(scale, files={}) if args.table == "wild" else scale


if __name__ == "__main__":
    sys.exit(main())
