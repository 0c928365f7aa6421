"""Jobs run by one engine in this process, and what became of their URLs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import monotonic

from tests.support.misbehaving_origin import JPEG
from tests.support.waiting import WAIT_S

from fetcher.contract.options import Options
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.sinks.directory import Directory
from fetcher.transfer.scheduler import Scheduler, engine_for

SOON_S = 10  # upper bound of what must not take its full timeout
GOOD = 30  # downloads beside each that goes wrong


def fetch(engine, urls, to, deadline_s=60.0, enough=None, **options):
    """
    Fetch URLs or items once each and return what became of them, in order.

    Args:
        engine: One of `ENGINES`.

        urls: Texts, whose bodies are named by position; or items.

        to: A folder, or a sink.

        deadline_s: The job's.

        enough: The job ends once so many have ended well; None: when all have ended.

        options: As in `Options`; private addresses are allowed unless they say no.
    """
    items = [
        url if isinstance(url, Item) else Item(number, url, f"{number}")
        for number, url in enumerate(urls)
    ]
    ended = {}

    def account(index, item, download):
        assert item == items[index]
        assert index not in ended, f"{item} was accounted for twice"
        ended[index] = download
        if enough and enough == sum(one.outcome == "ok" for one in ended.values()):
            running.stop()

    given = {"allow_private": True, "attempts": 1, "connections": 8} | options
    given = Options(engine=engine, **given)
    sink = Directory(to) if isinstance(to, Path) else to
    running = engine_for(given)
    Scheduler(items, sink, given, account).run(running, deadline_s)
    if sink is not to:
        sink.close()

    assert sorted(ended) == list(range(len(items)))
    return [ended[index] for index in range(len(items))]


def fetch_beside_good_ones(engine, origin, bad, folder, **options):
    """
    Fetch what goes wrong in one job with good downloads that are all in flight at once.

    These must all end well, whatever goes wrong beside them; how the bad ones ended
    is returned.
    """
    urls = [*bad, *origin.together(GOOD)]
    options = {"connections": len(urls), "deadline_s": SOON_S} | options
    began = monotonic()
    ended = fetch(engine, urls, folder, **options)
    seconds = monotonic() - began
    odd, good = ended[: len(bad)], ended[len(bad) :]

    assert {(one.outcome, one.detail) for one in good} == {(Outcome.OK, "")}
    assert {body_of(one) for one in good} == {JPEG.ljust(2_000, b"x")}
    whole = [one.path for one in odd if one.outcome is Outcome.OK]
    assert len(files_below(folder)) == GOOD + len(whole)
    assert seconds < SOON_S + 1
    return odd


def run_alone(program, *args, within_s=WAIT_S):
    """
    Run a program in a process of its own; return what it prints, line by line, as JSON.
    """
    run = subprocess.run(
        [sys.executable, "-c", program, *map(str, args)],
        cwd=Path(__file__).parents[2],  # where it finds `tests`
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def body_of(download):
    return Path(download.path).read_bytes()


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]
