"""Fan-out: whatever executions do, every URL ends in exactly one outcome."""

import asyncio
import json
import re
from itertools import pairwise
from types import SimpleNamespace

import pytest
from tests.support.fan_out_outcomes import outcomes
from tests.support.recorded_invocations import urls
from tests.support.report_stub import report_on

from experiment.ledger.invocation import LedgerError
from experiment.ledger.reports import read_invocations
from experiment.ledger.run_folder import Run, open_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.plan import Plan
from experiment.run.fan_out import fan_out
from experiment.run.gone_hosts import GoneHosts
from experiment.run.progress import Progress
from experiment.run.resume import to_do
from experiment.run.wave import FanOutError, Wave
from fetcher.contract.downloads import Download, Downloads
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import numbers_in
from fetcher.lists.url_list import UrlListError
from local_aws.errors import EndpointError
from rollout.invoke.invoker import Invoker, InvokeResult


def test_every_url_is_fetched_once(run_with):
    plan, invocations = run_with("fetcher.handler.download", files=41)

    asked = [number for done in invocations for number in numbers_in(done.ranges)]
    assert sorted(asked) == list(range(41))
    assert outcomes(plan, invocations) == {"ok": 41}
    assert len(invocations) == plan.settings.shards
    assert all(done.request_id and not done.error for done in invocations)


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
    again = [
        number
        for done in invocations
        if done.wave == 1
        for number in numbers_in(done.ranges)
    ]

    assert outcomes(plan, invocations) == {"ok": 30}
    assert sorted(again) == list(range(20))
    assert set(lost) == {0, 1, 2, 3}
    assert lost[0] == "the execution failed: RuntimeError: no luck"
    assert re.match("the execution failed: Runtime.ExitError: .*exit status 3", lost[1])
    assert lost[2].startswith("the execution did not answer with a report:")
    assert lost[3] == (
        "the execution reported on run run, wave 0, shard 3, 4 URLs; the request was "
        "for run run, wave 0, shard 3, 5 URLs"
    )
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
    assert all("did not answer with a report" in done.error for done in invocations)


def test_a_function_that_is_not_there_is_an_error_in_the_ledger(run_with):
    plan, invocations = run_with("", files=8, waves=1)

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
            for n in numbers_in(done.ranges)
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


def test_what_may_heal_goes_into_the_next_wave(run_with):
    """
    An origin that is overloaded for a moment costs a wave, not the files.
    """
    plan, invocations = run_with(
        "unreliable.better_later", files=16, attempts=1, concurrency=2
    )
    again = [
        number
        for done in invocations
        if done.wave == 1
        for number in numbers_in(done.ranges)
    ]

    assert outcomes(plan, invocations) == {"ok": 16}
    assert sorted(again) == list(range(0, 16, 2))


def test_a_straggler_is_sent_again_and_the_first_report_counts(run_with):
    plan, invocations = run_with(
        "unreliable.slow_once",
        alone=True,
        files=12,
        concurrency=2,
        shards_per_execution=3,
    )
    (last,) = (done for done in invocations if done.shard == 5)

    assert not [done.error for done in invocations if done.error]
    assert last.answered_at - last.invoked_at < 4  # that long the first one slept
    assert outcomes(plan, invocations) == {"ok": 12}
    assert {done.shard: done.hedges for done in invocations} == {
        **dict.fromkeys(range(5), 0),
        5: 1,
    }
    assert len(invocations) == 6


def test_nothing_is_sent_twice_if_that_is_not_wanted(run_with):
    plan, invocations = run_with(
        "unreliable.slow_once",
        alone=True,
        files=12,
        concurrency=2,
        shards_per_execution=3,
        hedge=False,
    )
    last = max(invocations, key=lambda done: done.answered_at)

    assert outcomes(plan, invocations) == {"ok": 12}
    assert {done.hedges for done in invocations} == {0}
    assert last.answered_at - last.invoked_at > 4


def test_a_target_that_is_gone_ends_the_run_saying_how_to_go_on(
    tmp_path, target, silent_url, monkeypatch
):
    """
    A hundred thousand shards would each have tried for a minute.
    """
    monkeypatch.setitem(Invoker.invoke.__kwdefaults__, "accepted_within_s", 0.3)
    gone = SimpleNamespace(
        lambda_url=silent_url,
        region=target.region,
        credentials=target.credentials,
        proxy=None,
        ca_file=None,
        runs_here=False,
        check_alive=lambda _: None,
    )
    settings = FanOutSettings(files=1_000, shards_per_execution=400)
    plan = Plan(tmp_path, settings, urls((0, 1_000)), allow_private=True)
    run = open_run("20_fan_out", settings, plan.folder, region="here")
    said = re.escape(f"resume with: python -m experiment resume {tmp_path}")

    with pytest.raises(FanOutError, match=f"Could not connect.*{said}"):
        asyncio.run(fan_out(plan, gone, run))
    run.close(verdict="")
    assert len(list(read_invocations(tmp_path))) == settings.concurrency


def answer_of(report):
    return InvokeResult(
        payload=json.dumps(report).encode(),
        function_error=None,
        request_id="r",
        log=b"",
        throttles=0,
        sent_at=1.0,
        answered_at=2.0,
    )


class DeadEndpoint:
    """An Invoker whose endpoint has ended; some reports came before that is known."""

    waiting = 0

    def __init__(self, ends):
        self._ends = ends
        self._looked = asyncio.Event()

    async def invoke(self, _function, payload, **_):
        event = json.loads(payload)
        if event["index"] < len(self._ends) - 1:
            await self._looked.wait()
        count, report = report_on(event)
        downloads = Downloads(count)
        for place in range(count):
            downloads[place] = self._ends[event["index"]]
        report["downloads"] = downloads.to_dict()
        report["tally"] = downloads.tally().to_dict()
        return answer_of(report)

    async def check_alive(self, _within_s):
        self._looked.set()
        for _ in range(10):  # the other calls end meanwhile
            await asyncio.sleep(0)
        msg = "The local endpoint ended by itself."
        raise EndpointError(msg)


def test_reports_that_came_before_the_endpoint_died_are_kept(tmp_path):
    """
    Only what may have failed for want of it is asked for again.
    """
    lost = Download(Outcome.CONNECT, 0, 0, 0.0, 0.1, attempts=1)
    not_found = Download(Outcome.HTTP_STATUS, 404, 0, 0.0, 0.1, attempts=1)
    ok = Download(Outcome.OK, 200, 1_000, 0.0, 0.1, attempts=1)
    settings = FanOutSettings(files=8, concurrency=4, shards_per_execution=1)
    plan = Plan(tmp_path, settings, urls((0, 8)), allow_private=True)
    run = open_run("20_fan_out", settings, plan.folder, region="here")

    async def go():
        invoker = DeadEndpoint([not_found, ok, lost, lost])
        with Progress(plan, 0) as progress:
            known = {"gone": GoneHosts(), "is_last": False}
            wave = Wave(0, plan, run, invoker, progress, **known)
            await wave.go(plan.wave(0, to_do(plan, run)[0]))

    with pytest.raises(FanOutError, match=r"ended by itself\. All reports received"):
        asyncio.run(go())
    run.close(verdict="")
    assert sorted(done.shard for done in read_invocations(tmp_path)) == [0, 1]


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

    monkeypatch.setattr(Run, "append", full)
    with pytest.raises(error):
        run_with("fetcher.handler.download", files=40, shards_per_execution=20)
    assert len(kept) == 3


class ThrottledInvoker:
    """An Invoker that Lambda lets make two calls at a time, whoever asks for more."""

    def __init__(self):
        self.waiting = self.most_waiting = 0
        self.hand_back = set()
        self._free = asyncio.Semaphore(2)

    async def invoke(self, _function, payload, **_):
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        await self._free.acquire()
        self.waiting -= 1
        await asyncio.sleep(0)
        self._free.release()
        event = json.loads(payload)
        self.hand_back.add(event["hands_back"])
        return answer_of(report_on(event)[1])

    async def check_alive(self, _within_s):
        pass


@pytest.mark.parametrize("is_last", [False, True])
def test_no_shard_waits_with_a_call_that_lambda_throttles(tmp_path, is_last):
    """
    It would hold URLs that executions at work could fetch. In the last wave, nothing is
    handed back.
    """
    settings = FanOutSettings(files=800, concurrency=50, shards_per_execution=2)
    plan = Plan(tmp_path, settings, urls((0, 800)), allow_private=True)
    run = open_run("20_fan_out", settings, plan.folder, region="here")
    invoker = ThrottledInvoker()

    async def go():
        with Progress(plan, 0, shown=False) as progress:
            known = {"gone": GoneHosts(), "is_last": is_last}
            wave = Wave(0, plan, run, invoker, progress, **known)
            return await wave.go(plan.wave(0, to_do(plan, run)[0]))

    assert len(asyncio.run(go())) == 0
    run.close(verdict="")
    assert invoker.most_waiting == 1
    assert invoker.hand_back == {not is_last}
    assert len(list(read_invocations(tmp_path))) == 100
