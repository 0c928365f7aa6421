"""A wave whose calls reach nobody, are throttled, or outlive their endpoint."""

import asyncio
import json
import re
from dataclasses import replace

import pytest
from tests.support.fan_out_alone import stub_session
from tests.support.plans import plan_of
from tests.support.recorded_invocations import done, report, urls

from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import open_run
from experiment.run.fan_out import fan_out
from experiment.run.gone_host_sharing import GoneHosts
from experiment.run.progress import Progress
from experiment.run.resume import to_do
from experiment.run.wave import FanOutError, Wave
from fetcher.contract.outcome import Outcome
from local_aws.endpoint_error import EndpointError
from rollout.invoke.invoker import Invoker, InvokeResult


@pytest.fixture
def opened(tmp_path):
    """Open a run of numbered URLs with some settings; return it and its plan."""
    runs = []

    def open_with(**settings):
        plan = plan_of(folder=tmp_path, **settings)
        runs.append(open_run("20_fan_out", plan.settings, plan.folder, region="here"))
        return runs[-1], plan

    yield open_with
    for run in runs:
        run.close(verdict="")


async def sent(run, plan, invoker, *, is_last):
    """Send a wave of all URLs; return those that are left."""
    with Progress(plan, 0, shown=False) as progress:
        known = {"gone": GoneHosts(), "is_last": is_last}
        wave = Wave(0, plan, run, invoker, progress, **known)
        return await wave.go(plan.wave(0, to_do(plan, run)[0]))


def test_a_target_that_is_gone_ends_the_run_saying_how_to_go_on(
    opened, silent_url, monkeypatch
):
    """
    A hundred thousand shards would each have tried for a minute.
    """
    monkeypatch.setitem(Invoker.invoke.__kwdefaults__, "accepted_within_s", 0.3)
    run, plan = opened(files=1_000, shards_per_execution=400)
    said = re.escape(f"resume with: python -m experiment resume {run.folder}")

    with pytest.raises(FanOutError, match=f"Could not connect.*{said}"):
        asyncio.run(fan_out(plan, stub_session(silent_url).target, run))
    assert len(list(read_invocations(run.folder))) == plan.settings.concurrency


def answer_to(payload, end):
    """A report that each URL ended like this."""
    event = json.loads(payload)
    source = urls(*event["source"]["ranges"])
    made = report(source, [end] * len(source), shard=event["index"], wave=event["wave"])
    return InvokeResult(
        payload=json.dumps(replace(made, run=event["run"]).to_dict()).encode(),
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
        index = json.loads(payload)["index"]
        if index < len(self._ends) - 1:
            await self._looked.wait()
        return answer_to(payload, self._ends[index])

    async def check_alive(self, _within_s):
        self._looked.set()
        for _ in range(10):  # the other calls end meanwhile
            await asyncio.sleep(0)
        msg = "The local endpoint ended by itself."
        raise EndpointError(msg)


def test_reports_that_came_before_the_endpoint_died_are_kept(opened):
    """
    Only what may have failed for want of it is asked for again.
    """
    lost, not_found = done(Outcome.CONNECT), done(Outcome.HTTP_STATUS, status=404)
    run, plan = opened(files=8, concurrency=4, shards_per_execution=1)
    invoker = DeadEndpoint([not_found, done(), lost, lost])

    with pytest.raises(FanOutError, match=r"ended by itself\. All reports received"):
        asyncio.run(sent(run, plan, invoker, is_last=False))
    assert sorted(one.shard for one in read_invocations(run.folder)) == [0, 1]


class ThrottledInvoker:
    """An Invoker that Lambda lets make two calls at a time, whoever asks for more."""

    def __init__(self):
        self.waiting = self.most_waiting = 0
        self.hands_back = set()
        self._free = asyncio.Semaphore(2)

    async def invoke(self, _function, payload, **_):
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        await self._free.acquire()
        self.waiting -= 1
        await asyncio.sleep(0)
        self._free.release()
        self.hands_back.add(json.loads(payload)["hands_back"])
        return answer_to(payload, done())

    async def check_alive(self, _within_s):
        pass


@pytest.mark.parametrize("is_last", [False, True])
def test_no_shard_waits_with_a_call_that_lambda_throttles(opened, is_last):
    """
    It would hold URLs that executions at work could fetch. In the last wave, nothing is
    handed back.
    """
    run, plan = opened(files=800, concurrency=50, shards_per_execution=2)
    invoker = ThrottledInvoker()

    assert len(asyncio.run(sent(run, plan, invoker, is_last=is_last))) == 0
    assert invoker.most_waiting == 1
    assert invoker.hands_back == {not is_last}
    assert len(list(read_invocations(run.folder))) == 100
