"""One wave: every shard sent, the slowest ones twice, every report kept."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import time
from typing import TYPE_CHECKING

from experiment.ledger.invocation import Invocation
from experiment.ledger.number_set import NumberSet
from experiment.run.sent_shard import SentShard, UsualTimes
from experiment.run.unfinished_urls import not_final, tried_in
from fetcher.contract.source import count
from fetcher.contract.template_source import Template
from local_aws.endpoint_error import EndpointError
from rollout.errors import InvokeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from experiment.ledger.run_folder import Run
    from experiment.plan.run_plan import Plan
    from experiment.run.gone_host_sharing import GoneHosts
    from experiment.run.progress import Progress
    from experiment.run.sent_shard import Call
    from fetcher.contract.shard_messages import Shard
    from rollout.invoke.invoker import Invoker

_MOST_HEDGES = 0.05  # for each shard
_LOOK_EVERY_S = 0.25
_DIES_WITHIN_S = 15.0  # an endpoint of ours that refuses is ending, if slowly


class FanOutError(RuntimeError):
    """The target is gone: there is no point in calling it again."""


@dataclass(eq=False)
class Wave:
    """
    A wave on its way.

    It alone decides how many calls are in flight: as many as the plan's concurrency,
    or as Lambda takes. While it throttles calls, none is added to those that wait: who
    is late must not hold URLs that others could fetch.

    Attributes:
        is_last: Whether nothing can be handed back, since no wave follows.

        tried: How many of the URLs left were silent, or failed.
    """

    number: int
    plan: Plan
    run: Run
    invoker: Invoker
    progress: Progress
    gone: GoneHosts
    is_last: bool
    tried: int = field(default=0, init=False)
    _began_at: float = field(default_factory=time, init=False)
    _in_flight: dict[Call, SentShard] = field(default_factory=dict, init=False)
    _ended: asyncio.Queue[Call] = field(default_factory=asyncio.Queue, init=False)
    _times: UsualTimes = field(default_factory=UsualTimes, init=False)
    _hedges: int = field(default=0, init=False)
    _unreached: int = field(default=0, init=False)  # calls in a row
    _left: NumberSet = field(default_factory=NumberSet, init=False)

    async def go(self, shards: Iterable[Shard]) -> NumberSet:
        """
        Send every shard, made only when it can be sent, and wait for the reports.

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
                    self._hedge(max(1, int(sent * _MOST_HEDGES)))
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
        most = self.plan.settings.concurrency
        return len(self._in_flight) >= most or self.invoker.waiting > 0

    def _send(self, shard: Shard) -> None:
        source = shard.source
        template = source.text if isinstance(source, Template) else ""
        told = replace(self.gone.told_to(shard), hands_back=not self.is_last)
        self.progress.sent()
        now = time()
        sent = Invocation(
            session=self.run.session,
            wave=self.number,
            shard=shard.index,
            ranges=source.ranges,
            template=template,
            queued_at=self._began_at,
            invoked_at=now,
            answered_at=now,
        )
        self._call(SentShard(sent, len(source), told.to_json()))

    def _call(self, shard: SentShard) -> None:
        function = self.plan.settings.function
        call = asyncio.create_task(
            self.invoker.invoke(function, shard.payload, wants_log=True)
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
            await self.progress.tick()
            await self.invoker.check_alive(0.0)
            return False
        await self._settle(call)
        return True

    async def _keep_what_arrived(self) -> None:
        """Keep the reports that came before the end of the run was noticed."""
        while not self._ended.empty():
            with suppress(EndpointError):
                await self._settle(self._ended.get_nowait())

    async def _settle(self, call: Call) -> None:
        """Keep the result of a call, unless another call of its shard settled it."""
        shard = self._in_flight.pop(call)
        called_at = shard.calls.pop(call)
        if shard.is_settled:
            with suppress(asyncio.CancelledError):
                call.exception()  # or asyncio complains that nobody looked at it
            return
        done, report_json = shard.ended(call, called_at, self.plan.run)
        if done.error and shard.calls:
            return  # the other call may still bring a report
        left = not_final(done)
        if len(left):  # maybe for want of the endpoint or origin that we started
            await self.invoker.check_alive(0.0)
        shard.is_settled = True
        for other in shard.calls:
            other.cancel()
        self.run.reports.append(done, report_json)
        self.progress.answered(done, len(left), is_last=self.is_last)
        self._left.add(left)
        self.tried += len(left) + len(tried_in(done)) - count(done.ranges)
        if done.report:
            self.gone.learn(done.report)
            self._times.add(shard.files, done.answered_at - done.invoked_at)
        await self._check_reached(call, done.error)

    async def _check_reached(self, call: Call, error: str) -> None:
        """Give up once as many calls in a row as may be in flight reached nobody."""
        failure = call.exception()
        reached = not isinstance(failure, InvokeError) or failure.status > 0
        self._unreached = 0 if reached else self._unreached + 1
        is_last = not (reached or self._in_flight)
        if self._unreached >= self.plan.settings.concurrency or is_last:
            await self.invoker.check_alive(_DIES_WITHIN_S)
            raise self._gone(error, "Once the target answers, resume with")

    def _gone(self, why: str, how: str) -> FanOutError:
        return FanOutError(
            f"{why} All reports received so far are kept. {how}: "
            f"python -m experiment resume {self.run.folder}"
        )

    def _hedge(self, most: int) -> None:
        """Send stragglers again, but no more of them than that."""
        if not self.plan.settings.hedge:
            return
        for shard in set(self._in_flight.values()):
            sent, late_s = shard.invocation, self._times.late_after_s(shard.files)
            may_be = not sent.hedges and self._hedges < most and not self._is_full
            if may_be and time() - sent.invoked_at > late_s:
                shard.invocation = sent._replace(hedges=1)
                self._hedges += 1
                self._call(shard)
