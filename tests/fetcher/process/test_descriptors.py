"""Too few descriptors: known before the start, and never called something else."""

import resource
import subprocess
from functools import partial

import pytest
from tests.support.engine_jobs import run_alone
from tests.support.running_command import Run

from fetcher.process.descriptors import connections_allowed


@pytest.fixture
def limited(monkeypatch):
    """Have processes start with such limits."""
    popen = subprocess.Popen

    def limited(soft, hard):
        limits = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        monkeypatch.setattr(
            subprocess, "Popen", partial(popen, preexec_fn=limits, close_fds=True)
        )

    return limited


def test_a_limit_too_low_for_any_connection_is_refused_with_the_rule(
    limited, origin, tmp_path
):
    run = Run(tmp_path, [origin.url("/bytes/1/few")])
    limited(30, 30)
    with run.start():
        status, summary = run.finish()

    assert (status, summary) == (2, None)
    assert run.err == (
        "fetcher: No connection can be made: a process may open 30 files and sockets "
        "here, and needs at least 66. Raise the limit with `ulimit -Hn`.\n"
    )
    assert not run.out.exists()


@pytest.mark.parametrize(("soft", "hard"), [(80, 80), (30, 1_024)])
def test_a_limit_is_raised_as_far_as_it_may_and_what_it_does_not_allow_is_cut(
    limited, origin, tmp_path, soft, hard
):
    run = Run(tmp_path, [origin.url(f"/bytes/70000/{n}/{hard}") for n in range(100)])
    limited(soft, hard)
    with run.start("--connections", "90", "--processes", "2"):
        status, summary = run.finish()
    said = (
        "fetcher: only 16 connections, not 90: a process may open no more files and "
        "sockets here. Raise the limit with `ulimit -Hn`.\n"
    )

    assert (status, summary["counts"]) == (0, {"ok": 100}), run.err
    assert run.err.startswith(said) == ("connections, not" in run.err) == (hard == 80)


@pytest.mark.parametrize("limit", [resource.RLIM_INFINITY, 4_000])
def test_a_limit_that_is_high_enough_is_left_alone(monkeypatch, limit):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    monkeypatch.setattr(resource, "setrlimit", None)

    assert connections_allowed(4_000) == (4_000 - 64) // 2


CROWDED = """
import json, os, resource, sys
from pathlib import Path
from tests.support.engine_jobs import fetch
from fetcher.sinks.discard import Discard

engine, attempts, *urls = sys.argv[1:]
fetch(engine, urls[:1], Discard())  # imports what it takes
resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
options = {"connections": len(urls), "attempts": int(attempts)}
for one in fetch(engine, urls, Discard(), **options):
    print(json.dumps([one.outcome, one.attempts, one.detail]))
"""


def test_a_lack_of_descriptors_is_called_that(engine, origin):
    """
    The host has nothing to do with it: `connect` would count against it.
    """
    urls = [origin.url("/trickle/20/0.1")] * 90
    ended = run_alone(CROWDED, engine, "1", *urls)
    crowded_out = [one for one in ended if one[0] != "ok"]

    assert 0 < len(crowded_out) < 90
    assert {outcome for outcome, _, _ in crowded_out} == {"unstarted"}
    (said,) = {detail for _, _, detail in crowded_out}
    assert said == (
        "no socket could be opened: the process has all 60 files and sockets open "
        "that it may (`ulimit -n`)"
    )


def test_what_lacked_a_descriptor_is_tried_again(engine, origin):
    urls = [origin.url("/trickle/2/0.05")] * 90
    ended = run_alone(CROWDED, engine, "9", *urls)

    assert {outcome for outcome, _, _ in ended} == {"ok"}
    assert max(attempts for _, attempts, _ in ended) > 1
