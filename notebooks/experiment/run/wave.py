"""One wave: every shard sent, the slowest twice, what came back kept."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from experiment.ledger.download_rows import not_final
from experiment.ledger.invocation import Invocation
from experiment.number_set import NumberSet
from fetcher.contract.shard import Report
from fetcher.contract.source import Template, count
from local_aws.errors import EndpointError
from rollout.errors import InvokeError, RolloutError
from rollout.invoke.report_line import billed_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from experiment.ledger.run_folder import Run
    from experiment.plan.plan import Plan
    from experiment.run.progress import Progress
    from fetcher.contract.shard import Shard
    from fetcher.contract.source import Ranges
    from rollout.invoke.invoker import Invoker, InvokeResult

# A shard is a straggler if all but the last of its wave are done, and it has taken so
# many times as long as others did.
_LAST_SHARE = 0.05
_TIMES_AS_LONG = 2.0
_NOT_BEFORE_S = 1.0
_LOOK_EVERY_S = 0.25
_REMEMBERED = 1_000  # durations
_DIES_WITHIN_S = 15.0  # an endpoint of ours that refuses is ending, if slowly
_MAY_HAVE_RUN = 500  # from this status on


class FanOutError(RuntimeError):
    """The target is gone: there is no point in asking it for more."""


@dataclass(slots=True, eq=False)
class _InFlight:
    """
    A shard that was sent.

    Attributes:
        index, ranges, template: As in the ledger; URLs of a list are not kept.

        payload: What was sent.

        since: When.

        calls: Those in flight.

        hedges: How often it was sent again because it took long.

        is_settled: Whether what became of it is in the ledger.
    """

    index: int
    ranges: Ranges
    template: str
    payload: bytes
    since: float
    calls: set[asyncio.Task[_CallResult]] = field(default_factory=set)
    hedges: int = 0
    is_settled: bool = False


class _CallResult(NamedTuple):
    """
    What came of a call.

    Attributes:
        done: For the ledger.

        answer: The report as it came; empty: there is none.

        reached: Whether anybody was there to take the call.
    """

    done: Invocation
    answer: bytes
    reached: bool


class Wave:
    """
    A wave on its way.

    Args:
        number: Which one.

        plan: What it is a part of.

        run: Where answers go, as they arrive.

        invoker: Makes the calls.

        progress: Told of what is sent and of what came.
    """

    def __init__(
        self, number: int, plan: Plan, run: Run, invoker: Invoker, progress: Progress
    ) -> None:
        self._number = number
        self._plan = plan
        self._run = run
        self._invoker = invoker
        self._progress = progress
        self._began = time()
        self._out: dict[asyncio.Task[_CallResult], _InFlight] = {}  # by call in flight
        self._ended: asyncio.Queue[asyncio.Task[_CallResult]] = asyncio.Queue()
        self._took_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._unreached = 0  # calls in a row
        self._left = NumberSet()

    async def go(self, shards: Iterable[Shard]) -> NumberSet:
        """
        Send every shard and wait for what comes.

        Args:
            shards: Each is asked for when there is a place for it.

        Returns:
            Numbers of the URLs that have no outcome, or may get a better one.

        Raises:
            FanOutError: If nobody answers any more.

            LedgerError: If an answer cannot be kept.
        """
        sent = 0
        try:
            for shard in shards:
                while len(self._out) >= self._plan.settings.concurrency:
                    await self._take_next()
                self._send(shard)
                sent += 1
                await asyncio.sleep(0)  # or none would be on its way before all are
                while not self._ended.empty():
                    self._take(self._ended.get_nowait())
            while self._out:
                if not await self._take_next():
                    self._hedge(max(1, int(sent * _LAST_SHARE)))
        except EndpointError as error:
            raise self._gone(str(error), "Go") from error
        finally:
            for call in self._out:
                call.cancel()
            await asyncio.gather(*self._out, return_exceptions=True)
        return self._left

    def _send(self, shard: Shard) -> None:
        source = shard.source
        template = source.text if isinstance(source, Template) else ""
        out = _InFlight(shard.index, source.ranges, template, shard.to_json(), time())
        self._progress.sent()
        self._call(out)

    def _call(self, out: _InFlight) -> None:
        call = asyncio.create_task(self._answer(out))
        call.add_done_callback(self._ended.put_nowait)
        out.calls.add(call)
        self._out[call] = out

    async def _take_next(self) -> bool:
        """Wait a little for a call to end; return whether one did."""
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                call = await self._ended.get()
        except TimeoutError:
            self._invoker.check_alive(0.0)
            return False
        self._take(call)
        return True

    def _take(self, call: asyncio.Task[_CallResult]) -> None:
        """Keep what a call brought, if it is the first of its shard's to bring it."""
        out = self._out.pop(call)
        out.calls.remove(call)
        if out.is_settled:
            return
        came = call.result()
        if came.done.error and out.calls:
            return  # the other call may bring a report yet
        if not came.done.report or came.done.report.tally.ok < count(out.ranges):
            # What fails for want of the origin that we started is no outcome.
            self._invoker.check_alive(0.0)
        out.is_settled = True
        for other in out.calls:
            other.cancel()
        done = came.done._replace(hedges=out.hedges)
        self._run.append(done, came.answer)
        self._progress.answered(done)
        self._left.add(not_final(done))
        if done.report:
            self._took_s.append(done.answered_at - done.invoked_at)
        self._look_for_life(came)

    def _look_for_life(self, came: _CallResult) -> None:
        """Give up when all places that calls are made from found nobody."""
        self._unreached = 0 if came.reached else self._unreached + 1
        if self._unreached < self._plan.settings.concurrency and (
            came.reached or self._out
        ):
            return
        self._invoker.check_alive(_DIES_WITHIN_S)
        raise self._gone(came.done.error, "Once the target answers, go")

    def _gone(self, why: str, go: str) -> FanOutError:
        return FanOutError(
            f"{why} What was reported until then is kept. {go} on: "
            f"python -m experiment resume {self._run.folder}"
        )

    def _hedge(self, most: int) -> None:
        """Send stragglers once more, if there are no more shards than that."""
        settings, outs = self._plan.settings, set(self._out.values())
        if not settings.hedge or len(outs) > most or not self._took_s:
            return
        patience_s = max(_NOT_BEFORE_S, _TIMES_AS_LONG * median(self._took_s))
        for out in outs:
            has_place = len(self._out) < settings.concurrency
            if has_place and not out.hedges and time() - out.since > patience_s:
                out.hedges += 1
                self._call(out)

    async def _answer(self, out: _InFlight) -> _CallResult:
        function, sent_at = self._plan.settings.function, time()
        done = Invocation(
            session=self._run.session,
            wave=self._number,
            shard=out.index,
            ranges=out.ranges,
            template=out.template,
            queued_at=self._began,
            invoked_at=sent_at,
            answered_at=sent_at,
            throttles=0,
            hedges=0,
            request_id="",
            error="",
            report=None,
        )
        try:
            answer = await self._invoker.invoke(function, out.payload, wants_log=True)
        except EndpointError:
            raise
        except RolloutError as failed:
            reached = not isinstance(failed, InvokeError) or failed.status > 0
            refused = isinstance(failed, InvokeError) and failed.status < _MAY_HAVE_RUN
            done = done._replace(
                answered_at=time(),
                error=str(failed),
                billed_s=0.0 if refused else None,
            )
            return _CallResult(done, b"", reached)
        report, error = self._read(answer, out)
        done = done._replace(
            invoked_at=answer.sent_at,
            answered_at=answer.answered_at,
            throttles=answer.throttles,
            request_id=answer.request_id,
            error=error,
            report=report,
            billed_s=billed.seconds if (billed := billed_in(answer.log)) else None,
        )
        return _CallResult(done, answer.payload if report else b"", reached=True)

    def _read(self, answer: InvokeResult, out: _InFlight) -> tuple[Report | None, str]:
        try:
            told: Any = json.loads(answer.payload)
            if answer.function_error:
                return None, _failure(told, answer.function_error)
            report = Report.from_dict(told)
        except ValueError as error:
            other = "the execution answered something else than a report"
            return None, f"{other}: {error}"
        asked = self._plan.run, self._number, out.index, count(out.ranges)
        came = report.run, report.wave, report.index, len(report.downloads)
        if came != asked:
            return None, (
                "the execution reported on run {}, wave {}, shard {}, {:,} URLs; it "
                "was asked for run {}, wave {}, shard {}, {:,} URLs"
            ).format(*came, *asked)
        return report, ""


def _failure(told: object, function_error: str) -> str:
    failed = told if isinstance(told, dict) else {"errorMessage": told}
    kind = failed.get("errorType", function_error)
    return f"the execution failed: {kind}: {failed.get('errorMessage')}"
