"""URLs that are silent go back, and end in exactly one outcome all the same."""

from types import SimpleNamespace

from tests.support.fan_out_outcomes import outcomes

from experiment.ledger.download_rows import UNSTARTED, rows_of
from experiment.ledger.number_set import numbers_of
from experiment.run.resume import to_do

WIDE = {"files": 120, "concurrency": 2, "shards_per_execution": 1, "hedge": False}


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

    assert silent == list(range(0, 120, 10))
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
