"""URLs that are silent go back, and end in exactly one outcome all the same."""

import time

from tests.support.fan_out_outcomes import outcomes

from experiment.ledger.download_rows import UNSTARTED, rows_of
from experiment.ledger.number_set import numbers_of

WIDE = {"files": 120, "concurrency": 2, "shards_per_execution": 1, "hedge": False}


def handed_back(done):
    return numbers_of(done.ranges)[
        rows_of(done.report.downloads)["outcome"] == UNSTARTED
    ].tolist()


def test_shards_hand_back_what_is_silent_and_one_small_wave_takes_it_up(run_with):
    """
    Each was billed for 10 s of waiting, and more, for files that did not come.
    """
    began = time.monotonic()
    plan, invocations = run_with("unreliable.silent_at_first", **WIDE)
    silent = sorted(
        n for done in invocations if not done.wave for n in handed_back(done)
    )
    (last,) = (done for done in invocations if done.wave == 1)

    assert silent == list(range(0, 120, 10)) == numbers_of(last.ranges).tolist()
    assert outcomes(plan, invocations) == {"ok": 120}
    assert (
        time.monotonic() - began
        < plan.settings.options(allow_private=True).read_timeout_s
    )


def test_executions_that_die_with_silent_urls_lose_none(run_with):
    """
    One dies before it has handed anything back, one with what others handed back.
    """
    plan, invocations = run_with("unreliable.dies_with_the_silent", waves=3, **WIDE)

    lost = [(done.wave, done.shard) for done in invocations if done.error]
    assert lost == [(0, 1), (1, 0)]
    assert outcomes(plan, invocations) == {"ok": 120}
