"""A fan-out that goes on: with what has no outcome, or with what failed."""

import json

import pytest
from tests.support.fan_out_outcomes import outcomes

from fetcher.contract.source import numbers_in


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


def test_a_run_that_died_goes_on_with_what_has_no_outcome(run_with):
    plan, _ = run_with("fetcher.handler.download", files=41)
    kept = cut_off(plan, 5)
    plan, invocations = run_with(
        "fetcher.handler.download",
        files=41,
        resume=True,
        run_folder=str(plan.folder),
    )
    asked = [n for done in invocations if done.session for n in numbers_in(done.ranges)]

    assert sorted(asked) == sorted(set(range(41)) - kept)
    assert {(done.session, done.wave) for done in invocations} == {(0, 0), (1, 1)}
    assert outcomes(plan, invocations) == {"ok": 41}


def test_a_run_that_is_over_goes_on_with_nothing(run_with):
    plan, before = run_with("fetcher.handler.download", files=8)
    _, after = run_with(
        "fetcher.handler.download", files=8, resume=True, run_folder=str(plan.folder)
    )

    assert len(after) == len(before)


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
    again = [n for done in invocations if done.session for n in numbers_in(done.ranges)]

    assert sorted(again) == sorted(asked)
    assert outcomes(plan, invocations)["ok"] == 3 + len(asked)
