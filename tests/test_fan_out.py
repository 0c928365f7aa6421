"""Fan-out: whatever executions do, every URL ends in exactly one outcome."""

import asyncio
import io
import re
import zipfile
from itertools import pairwise

import pytest

from experiment.fan_out import fan_out
from experiment.ledger import open_run, read_invocations
from experiment.plan import Plan
from experiment.settings import FanOutSettings
from experiment.table import check, downloads_table, totals
from fetcher.outcome import Outcome
from fetcher.source import Template, numbers_in
from rollout import bundle
from rollout.worker import Worker, deploy

# The worker itself, with a few shards of the first wave that do something else.
UNRELIABLE = """
import os
from fetcher import handler

def download(event, context):
    if event["wave"] == 0:
        if event["index"] == 0:
            raise RuntimeError("no luck")
        if event["index"] == 1:
            os._exit(3)
        if event["index"] == 2:
            return {"schema": 1, "nothing": "else"}
        if event["index"] == 3:
            event["source"]["ranges"][0][1] -= 1
    return handler.download(event, context)

def never(event, context):
    raise RuntimeError("never any luck")

def text(event, context):
    return "not a report"
"""


@pytest.fixture(scope="module")
def code(target):
    """The worker's own zip, and the module above."""
    built = bundle.build(target.runtime, target.architecture, target.system)
    buffer = io.BytesIO(built)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("unreliable.py", UNRELIABLE)
    return buffer.getvalue()


@pytest.fixture
def run_with(tmp_path, target, code, endpoint, function_name):
    """Deploy a handler, fan out over it, and return the plan and its ledger."""

    def fanned_out(handler, *, query="", is_deployed=True, **settings):
        settings = FanOutSettings(function=function_name, **settings)
        if is_deployed:
            worker = Worker(
                name=function_name, handler=handler, timeout_s=settings.timeout_s
            )
            deploy(target, worker, code=code)
        text = f"{endpoint.origin_url}/1000/{{number}}.jpg{query}"
        source = Template(text, ((0, settings.files),))
        plan = Plan(tmp_path / "run", settings, source, allow_private=True)
        run = open_run("20_fan_out", settings, plan.folder, region=target.region)
        asyncio.run(fan_out(plan, target, run))
        run.close(verdict="")
        return plan, list(read_invocations(plan.folder))

    return fanned_out


def outcomes(plan, invocations):
    """Count the URLs by outcome, after checking that each has exactly one."""
    table = downloads_table(invocations, plan.source, run="r", target="local")
    figures = totals(table, invocations)
    check(table, figures, plan.files)
    return {name: many for name, many in figures["counts"].items() if many}


def test_every_url_is_fetched_once(run_with):
    plan, invocations = run_with("fetcher.handler.download", files=41)

    asked = [
        number for done in invocations for number in numbers_in(done.source.ranges)
    ]
    assert sorted(asked) == list(range(41))
    assert outcomes(plan, invocations) == {"ok": 41}
    assert len(invocations) == plan.settings.shards
    assert all(done.request_id and not done.error for done in invocations)


def test_no_more_executions_are_at_work_than_wanted(run_with):
    _, invocations = run_with(
        "fetcher.handler.download", files=12, concurrency=2, shards_per_execution=3
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
    again = [
        number
        for done in invocations
        if done.wave == 1
        for number in numbers_in(done.source.ranges)
    ]

    assert outcomes(plan, invocations) == {"ok": 30}
    assert sorted(again) == list(range(20))
    assert set(lost) == {0, 1, 2, 3}
    assert lost[0] == "the execution failed: RuntimeError: no luck"
    assert re.match("the execution failed: Runtime.ExitError: .*exit status 3", lost[1])
    assert lost[2].startswith("the execution answered something else than a report:")
    assert lost[3] == "the execution reported 4 URLs; it was asked for 5"
    assert all(done.answered_at >= done.invoked_at for done in invocations)


def test_a_run_whose_every_execution_fails_still_ends_and_accounts(run_with):
    plan, invocations = run_with("unreliable.never", files=8, waves=2)

    assert outcomes(plan, invocations) == {"unstarted": 8}
    assert [done.wave for done in invocations].count(0) == plan.settings.shards
    assert [done.wave for done in invocations].count(1) == plan.settings.shards
    assert all("never any luck" in done.error for done in invocations)


def test_an_answer_that_is_no_object_is_an_error_of_that_shard_only(run_with):
    plan, invocations = run_with("unreliable.text", files=8, waves=1)

    assert outcomes(plan, invocations) == {"unstarted": 8}
    assert all("something else than a report" in done.error for done in invocations)


def test_a_function_that_is_not_there_is_an_error_in_the_ledger(run_with):
    plan, invocations = run_with("", is_deployed=False, files=8, waves=1)

    assert outcomes(plan, invocations) == {"unstarted": 8}
    assert all("ResourceNotFoundException" in done.error for done in invocations)


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

    assert outcomes(plan, invocations) == {"ok": 6}
    assert len(waves) > 1
    left = [
        {
            n
            for done in invocations
            if done.wave == wave
            for n in numbers_in(done.source.ranges)
        }
        for wave in waves
    ]
    assert all(later <= earlier for earlier, later in pairwise(left))


def test_a_final_outcome_is_not_asked_for_again(run_with):
    plan, invocations = run_with(
        "fetcher.handler.download", query="?status=404", files=8, waves=3
    )

    assert outcomes(plan, invocations) == {Outcome.HTTP_STATUS.value: 8}
    assert {done.wave for done in invocations} == {0}


def test_progress_is_shown_on_standard_output(run_with, capfd):
    """
    JupyterLab paints standard error red.
    """
    run_with("fetcher.handler.download", files=8)
    shown = capfd.readouterr()

    assert "8/8" in shown.out
    assert "8 ok, 0 failed, 0 executions in flight" in shown.out
    assert shown.err == ""
