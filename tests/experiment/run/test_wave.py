"""Fan-out: whatever executions do, every URL ends in exactly one outcome."""

import re
from itertools import pairwise

import pytest
from tests.support.recorded_invocations import outcomes, requested

from experiment.ledger.invocation import LedgerError
from experiment.ledger.ledger_file import Reports
from fetcher.contract.outcome import Outcome
from fetcher.lists.url_list import UrlListError


def test_every_url_is_fetched_once_and_progress_is_no_error(run_with, capfd):
    """
    JupyterLab paints standard error red.
    """
    plan, invocations = run_with("fetcher.handler.download", files=41)
    shown = capfd.readouterr()

    assert sorted(requested(invocations)) == list(range(41))
    assert outcomes(plan, invocations) == {"ok": 41}
    assert len(invocations) == plan.settings.shards
    assert all(done.request_id and not done.error for done in invocations)
    assert "41/41" in shown.out
    assert "41 ok, 0 failed, 0 executions in flight" in shown.out
    assert shown.err == ""


def test_no_more_executions_are_at_work_than_wanted(run_with):
    _, invocations = run_with(
        "fetcher.handler.download",
        alone=True,
        files=12,
        concurrency=2,
        shards_per_execution=3,
    )

    moments = sorted(
        [(done.invoked_at, 1) for done in invocations]
        + [(done.answered_at, -1) for done in invocations]
    )
    at_once, most = 0, 0
    for _, change in moments:
        at_once += change
        most = max(most, at_once)
    assert most == 2
    assert len({done.report.execution for done in invocations}) <= 2
    assert [done.shard for done in sorted(invocations, key=lambda x: x.invoked_at)] == [
        *range(6)
    ]


def test_executions_that_fail_never_end_the_run_and_their_urls_are_dealt_again(
    run_with,
):
    """
    One execution raises, one dies, one answers nonsense, one leaves a URL out.
    """
    plan, invocations = run_with(
        "unreliable.download", files=30, concurrency=3, shards_per_execution=2
    )
    lost = {
        done.shard: done.error for done in invocations if done.wave == 0 and done.error
    }

    assert outcomes(plan, invocations) == {"ok": 30}
    assert sorted(requested(invocations, wave=1)) == list(range(20))
    assert set(lost) == {0, 1, 2, 3}
    assert lost[0] == "the execution failed: RuntimeError: no luck"
    assert re.match("the execution failed: Runtime.ExitError: .*exit status 3", lost[1])
    assert lost[2].startswith("the execution did not answer with a report:")
    assert lost[3] == (
        "the execution reported on run run, wave 0, shard 3, 4 URLs; the request was "
        "for run run, wave 0, shard 3, 5 URLs"
    )
    assert all(done.answered_at >= done.invoked_at for done in invocations)


@pytest.mark.parametrize(
    ("handler", "waves", "error"),
    [
        ("unreliable.never", 2, "never any luck"),
        ("unreliable.text", 1, "did not answer with a report"),
        ("", 1, "ResourceNotFoundException"),
    ],
    ids=["fails", "answers no object", "is not there"],
)
def test_a_run_whose_every_execution_fails_still_ends_and_accounts(
    run_with, handler, waves, error
):
    plan, invocations = run_with(handler, files=8, waves=waves)

    assert outcomes(plan, invocations) == {"unstarted": 8}
    for wave in range(waves):
        each = [done for done in invocations if done.wave == wave]
        assert len(each) == plan.settings.shards
    assert all(error in done.error for done in invocations)


def test_what_a_deadline_leaves_unstarted_goes_into_the_next_wave(run_with):
    """
    Each shard has time for two of its three files: the third waits for its wave.
    """
    plan, invocations = run_with(
        "fetcher.handler.download",
        query="?latency_ms=400",
        files=6,
        concurrency=2,
        shards_per_execution=1,
        connections=1,
        timeout_s=1,
        waves=6,
    )
    waves = sorted({done.wave for done in invocations})
    left = [set(requested(invocations, wave=wave)) for wave in waves]

    assert outcomes(plan, invocations) == {"ok": 6}
    assert len(waves) > 1
    assert all(later <= earlier for earlier, later in pairwise(left))


def test_what_may_heal_goes_into_the_next_wave(run_with):
    """
    An origin that is overloaded for a moment costs a wave, not the files.
    """
    plan, invocations = run_with(
        "unreliable.better_later", files=16, attempts=1, concurrency=2
    )

    assert outcomes(plan, invocations) == {"ok": 16}
    assert sorted(requested(invocations, wave=1)) == list(range(0, 16, 2))


def test_a_final_outcome_is_not_asked_for_again(run_with):
    plan, invocations = run_with(
        "fetcher.handler.download", query="?status=404", files=8, waves=3
    )

    assert outcomes(plan, invocations) == {Outcome.HTTP_STATUS.value: 8}
    assert {done.wave for done in invocations} == {0}


@pytest.mark.parametrize(
    ("hedge", "handler", "slept_s"),
    [(True, "very_slow_once", 30), (False, "slow_once", 4)],
)
def test_a_straggler_is_sent_again_if_that_is_wanted_and_the_first_report_counts(
    run_with, hedge, handler, slept_s
):
    plan, invocations = run_with(
        f"unreliable.{handler}",
        alone=True,
        files=12,
        concurrency=2,
        shards_per_execution=3,
        hedge=hedge,
    )
    (slow,) = (done for done in invocations if done.shard == 5)

    assert not [done.error for done in invocations if done.error]
    assert (slow.answered_at - slow.invoked_at < slept_s) == hedge
    assert outcomes(plan, invocations) == {"ok": 12}
    assert sorted((done.shard, done.hedges) for done in invocations) == [
        *((shard, 0) for shard in range(5)),
        (5, int(hedge)),
    ]


@pytest.mark.parametrize("error", [LedgerError, UrlListError])
def test_what_cannot_go_on_is_raised_as_it_is_and_nothing_is_left_running(
    run_with, monkeypatch, error
):
    """
    A notebook's refusals are told by their names.
    """
    kept = []

    def full(*came):
        kept.append(came)
        if len(kept) == 3:
            raise error

    monkeypatch.setattr(Reports, "append", full)
    with pytest.raises(error):
        run_with("fetcher.handler.download", files=40, shards_per_execution=20)
    assert len(kept) == 3
