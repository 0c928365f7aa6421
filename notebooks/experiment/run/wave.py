"""One wave: every shard sent, the slowest ones twice, every report kept."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median
from time import time
from typing import TYPE_CHECKING

from experiment.ledger.download_rows import not_final
from experiment.ledger.invocation import Invocation
from experiment.ledger.number_set import NumberSet
from experiment.run.answer import Asked, report_in
from fetcher.contract.source import Template, count
from local_aws.errors import EndpointError
from rollout.errors import InvokeError, RolloutError
from rollout.invoke.report_line import billed_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from experiment.ledger.run_folder import Run
    from experiment.plan.plan import Plan
    from experiment.run.progress import Progress
    from fetcher.contract.shard import Shard
    from fetcher.contract.source import Ranges
    from rollout.invoke.invoker import Invoker, InvokeResult

    _Call: TypeAlias = asyncio.Task[InvokeResult]

# A straggler takes this many times as long as the others, nearly all of them done.
_LAST_SHARE = 0.05
_TIMES_AS_LONG = 2.0
_NOT_BEFORE_S = 1.0
_LOOK_EVERY_S = 0.25
_REMEMBERED = 1_000  # durations
_DIES_WITHIN_S = 15.0  # an endpoint of ours that refuses is ending, if slowly
_MAY_HAVE_RUN = 500  # from this HTTP status on


class FanOutError(RuntimeError):
    """The target is gone: there is no point in calling it again."""


@dataclass(slots=True, eq=False)
class _SentShard:
    """
    A shard on its way.

    Attributes:
        index, ranges, template: As in the ledger; URLs of a list are not kept.

        payload: What was sent, to be sent again.

        sent_at: When it was first sent.

        calls: Its calls in flight, and when each was made.

        hedges: How often it was sent again because it took long.

        is_settled: Whether its invocation is in the ledger.
    """

    index: int
    ranges: Ranges
    template: str
    payload: bytes
    sent_at: float
    calls: dict[_Call, float] = field(default_factory=dict)
    hedges: int = 0
    is_settled: bool = False


class Wave:
    """
    A wave on its way.

    It alone decides how many calls are in flight: as many as the plan's concurrency.
    The invoker makes fewer at a time only while Lambda throttles them.

    Args:
        number: Which one.

        plan: The plan it is part of.

        run: Keeps reports as they arrive.

        invoker: Makes the calls.

        progress: Shows what was sent and what came back.
    """

    def __init__(
        self, number: int, plan: Plan, run: Run, invoker: Invoker, progress: Progress
    ) -> None:
        self._number = number
        self._plan = plan
        self._run = run
        self._invoker = invoker
        self._progress = progress
        self._began_at = time()
        self._in_flight: dict[_Call, _SentShard] = {}
        self._ended: asyncio.Queue[_Call] = asyncio.Queue()
        self._durations_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._unreached = 0  # calls in a row
        self._left = NumberSet()

    async def go(self, shards: Iterable[Shard]) -> NumberSet:
        """
        Send every shard and wait for the reports.

        Args:
            shards: Each is made only when it can be sent.

        Returns:
            The numbers of URLs that have no outcome, or may get a better one.

        Raises:
            FanOutError: If the target no longer answers.

            LedgerError: If a report cannot be kept.
        """
        sent = 0
        try:
            for sent, shard in enumerate(shards, 1):  # noqa: B007 - used below
                while self._is_full:
                    await self._settle_next()
                self._send(shard)
                await asyncio.sleep(0)  # or none would be on its way before all are
                while not self._ended.empty():
                    await self._settle(self._ended.get_nowait())
            while self._in_flight:
                if not await self._settle_next():
                    self._hedge(max(1, int(sent * _LAST_SHARE)))
        except EndpointError as error:
            await self._keep_what_arrived()
            raise self._gone(str(error), "Resume with") from error
        except asyncio.CancelledError:  # somebody stops the notebook
            await self._keep_what_arrived()
            raise
        finally:
            for call in self._in_flight:
                call.cancel()
            await asyncio.gather(*self._in_flight, return_exceptions=True)
        return self._left

    @property
    def _is_full(self) -> bool:
        return len(self._in_flight) >= self._plan.settings.concurrency

    def _send(self, shard: Shard) -> None:
        source = shard.source
        template = source.text if isinstance(source, Template) else ""
        self._progress.sent()
        self._call(
            _SentShard(shard.index, source.ranges, template, shard.to_json(), time())
        )

    def _call(self, shard: _SentShard) -> None:
        function = self._plan.settings.function
        call = asyncio.create_task(
            self._invoker.invoke(function, shard.payload, wants_log=True)
        )
        call.add_done_callback(self._ended.put_nowait)
        shard.calls[call] = time()
        self._in_flight[call] = shard

    async def _settle_next(self) -> bool:
        """
        Wait a little for a call to end; return whether one did.

        Without the timer an idle loop would not notice that a notebook is interrupted:
        ipykernel only schedules the cancellation.
        """
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                call = await self._ended.get()
        except TimeoutError:
            await self._progress.tick()
            await self._invoker.check_alive(0.0)
            return False
        await self._settle(call)
        return True

    async def _keep_what_arrived(self) -> None:
        """Keep the reports that came before the end of the run was noticed."""
        while not self._ended.empty():
            with suppress(EndpointError):
                await self._settle(self._ended.get_nowait())

    async def _settle(self, call: _Call) -> None:
        """Keep the result of a call, unless another call of its shard settled it."""
        shard = self._in_flight.pop(call)
        called_at = shard.calls.pop(call)
        if shard.is_settled:
            with suppress(asyncio.CancelledError):
                call.exception()  # or asyncio complains that nobody looked at it
            return
        done, report_json = self._invocation(shard, call, called_at)
        if done.error and shard.calls:
            return  # the other call may still bring a report
        left = not_final(done)
        if len(left):  # maybe for want of the endpoint or origin that we started
            await self._invoker.check_alive(0.0)
        shard.is_settled = True
        for other in shard.calls:
            other.cancel()
        self._run.append(done, report_json)
        self._progress.answered(done)
        self._left.add(left)
        if done.report:
            self._durations_s.append(done.answered_at - done.invoked_at)
        await self._check_reached(call, done.error)

    def _invocation(
        self, shard: _SentShard, call: _Call, called_at: float
    ) -> tuple[Invocation, bytes]:
        """Return what goes into the ledger, and the report's JSON as it came."""
        done = Invocation(
            session=self._run.session,
            wave=self._number,
            shard=shard.index,
            ranges=shard.ranges,
            template=shard.template,
            queued_at=self._began_at,
            invoked_at=called_at,
            answered_at=time(),
            hedges=shard.hedges,
        )
        try:
            result = call.result()
        except RolloutError as failure:
            refused = (
                isinstance(failure, InvokeError) and failure.status < _MAY_HAVE_RUN
            )
            billed_s = 0.0 if refused else None
            return done._replace(error=str(failure), billed_s=billed_s), b""
        asked = Asked(self._plan.run, self._number, shard.index, count(shard.ranges))
        report, error = report_in(result, asked)
        billed = billed_in(result.log)
        done = done._replace(
            invoked_at=result.sent_at,
            answered_at=result.answered_at,
            throttles=result.throttles,
            request_id=result.request_id,
            error=error,
            report=report,
            billed_s=billed.seconds if billed else None,
        )
        return done, result.payload if report else b""

    async def _check_reached(self, call: _Call, error: str) -> None:
        """Give up once as many calls in a row as may be in flight reached nobody."""
        failure = call.exception()
        reached = not isinstance(failure, InvokeError) or failure.status > 0
        self._unreached = 0 if reached else self._unreached + 1
        is_last = not (reached or self._in_flight)
        if self._unreached >= self._plan.settings.concurrency or is_last:
            await self._invoker.check_alive(_DIES_WITHIN_S)
            raise self._gone(error, "Once the target answers, resume with")

    def _gone(self, why: str, how: str) -> FanOutError:
        return FanOutError(
            f"{why} All reports received so far are kept. {how}: "
            f"python -m experiment resume {self._run.folder}"
        )

    def _hedge(self, most: int) -> None:
        """Send stragglers again, if no more shards than that are left."""
        shards = set(self._in_flight.values())
        if not self._plan.settings.hedge or len(shards) > most or not self._durations_s:
            return
        patience_s = max(_NOT_BEFORE_S, _TIMES_AS_LONG * median(self._durations_s))
        for shard in shards:
            is_late = time() - shard.sent_at > patience_s
            if is_late and not shard.hedges and not self._is_full:
                shard.hedges += 1
                self._call(shard)
