"""A fan-out that goes on: with what has no outcome, was silent, or failed."""

import json
from types import SimpleNamespace

import pytest
from tests.support.recorded_invocations import outcomes, requested

from experiment.ledger.download_array import UNSTARTED, rows_of
from experiment.ledger.number_set import numbers_of
from experiment.run.resume import to_do
from fetcher.contract.source import numbers_in

WIDE = {"files": 120, "concurrency": 2, "shards_per_execution": 1, "hedge": False}


def cut_off(plan, lines):
    """Leave so many lines of the ledger, and a torn one, as a crash does."""
    path = plan.folder / "reports.jsonl"
    written = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(written[:lines]) + written[lines][:-9])
    return {
        number
        for line in written[:lines]
        for number in numbers_in(json.loads(line)["ranges"])
    }


def test_a_run_that_died_goes_on_with_what_has_no_outcome_and_then_with_nothing(
    run_with,
):
    plan, _ = run_with("fetcher.handler.download", files=41)
    left = set(range(41)) - cut_off(plan, 5)
    again = {"files": 41, "resume": True, "run_folder": str(plan.folder)}
    plan, invocations = run_with("fetcher.handler.download", **again)
    _, after = run_with("fetcher.handler.download", **again)

    assert sorted(requested(invocations, session=1)) == sorted(left)
    assert {(done.session, done.wave) for done in invocations} == {(0, 0), (1, 1)}
    assert outcomes(plan, invocations) == {"ok": 41}
    assert len(after) == len(invocations)


@pytest.mark.parametrize(
    ("resume", "asked"),
    [(False, {0, 2, 4}), (True, {0, 2, 4, *range(6, 16)})],
)
def test_failures_are_tried_again_if_that_is_wanted(run_with, resume, asked):
    """
    Alone, or with what has no outcome yet; never what is ok.
    """
    plan, _ = run_with(
        "fetcher.handler.download",
        query="?status=404&fault_every=2",
        files=16,
        concurrency=1,
        shards_per_execution=8,
    )
    assert cut_off(plan, 3) == set(range(6))
    plan, invocations = run_with(
        "fetcher.handler.download",
        files=16,
        retry_failed=True,
        resume=resume,
        run_folder=str(plan.folder),
    )

    assert sorted(requested(invocations, session=1)) == sorted(asked)
    assert outcomes(plan, invocations)["ok"] == 3 + len(asked)


def handed_back(done):
    return numbers_of(done.ranges)[
        rows_of(done.report.downloads)["outcome"] == UNSTARTED
    ].tolist()


def test_shards_hand_back_what_is_silent_and_one_small_wave_takes_it_up(run_with):
    """
    Each was billed for 10 s of waiting, and more, for files that did not come.
    """
    plan, (one, other, last) = run_with("unreliable.silent_at_first", **WIDE)
    silent = sorted(handed_back(one) + handed_back(other))

    assert set(range(0, 120, 10)) <= set(silent)
    assert numbers_of(last.ranges).tolist() == silent
    assert outcomes(plan, [one, other, last]) == {"ok": 120}
    ledger = plan.folder / "reports.jsonl"  # as if the run had died before that wave
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:2]))
    left, first = to_do(plan, SimpleNamespace(folder=plan.folder))
    assert (first, numbers_of(tuple(left.ranges)).tolist()) == (1, silent)
    assert left.tried == len(silent)


def test_executions_that_are_killed_with_silent_urls_lose_none(run_with):
    """
    One before it has handed anything back, one with what others handed back.
    """
    plan, invocations = run_with("unreliable.killed_with_the_silent", waves=3, **WIDE)

    lost = [(done.wave, done.shard) for done in invocations if done.error]
    assert lost == [(0, 1), (1, 0)]
    assert outcomes(plan, invocations) == {"ok": 120}
