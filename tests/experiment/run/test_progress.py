"""What the bar of a fan-out says: files that are done, and when the rest will be."""

import asyncio

from tests.support.plans import plan_of
from tests.support.recorded_invocations import done, invocation, urls

from experiment.plan.run_plan import Todo
from experiment.run.progress import Progress, longest_s
from fetcher.contract.outcome import Outcome


def test_a_file_counts_once_it_is_final_and_the_last_wave_says_how_long_it_may_take(
    capsys,
):
    """
    It said 0 s for minutes, and counted twice what was tried twice.
    """
    plan = plan_of(files=10, connections=5)
    silent = done(Outcome.READ_TIMEOUT)
    with Progress(plan, 0) as progress:
        progress.sent()
        first = [done()] * 6 + [silent] * 3 + [None]
        progress.answered(invocation(urls((0, 10)), first), 4, is_last=False)
        progress.next_wave(Todo([(6, 4)], 4, tried=4))
        progress.sent()
        asyncio.run(progress.tick())
        between = capsys.readouterr().out
        last = invocation(urls((6, 4)), [silent] * 4, wave=1)
        progress.answered(last, 4, is_last=True)
    after = capsys.readouterr().out

    assert "| 6/10" in between
    assert (
        "6 ok, 0 failed, 1 executions in flight; 4 unresponsive or failed before"
        in between
    )
    assert "done within 20 s" in between
    assert "| 10/10" in after
    assert "6 ok, 4 failed" in after


def test_a_wave_of_untried_urls_says_no_longer_when_the_silent_were_to_be_done(capsys):
    with Progress(plan_of(files=10), 0) as progress:
        progress.next_wave(Todo([(6, 4)], 4, tried=4))
        progress.next_wave(Todo([(6, 4)], 4, tried=1))
        asyncio.run(progress.tick())

    assert "done within" not in capsys.readouterr().out


def test_how_long_the_silent_may_take_follows_how_many_wait_at_once():
    plan = plan_of(files=10, connections=5)

    assert longest_s(plan.settings, 40) == 2 * 10
    assert longest_s(plan.settings, 80) == 2 * 2 * 10
