"""Admission of invocations: reserved and account concurrency, and waiting events."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from local_aws.local_lambda import errors
from local_aws.local_lambda.runtime.aws_rate_limits import AwsPace
from local_aws.local_lambda.runtime.fleet import Fleet
from local_aws.local_lambda.runtime.invocation import Execution, PendingResult, Request

_RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
_ACCOUNT = "ConcurrentInvocationLimitExceeded"
_SLOW_DOWN_S = 0.1  # the pause of a function that must slow down


@dataclass(eq=False, slots=True)
class Runner:
    """
    One function's record in admission.

    Attributes:
        choose: Finds the fleet of a version or alias, or raises LambdaError.

        reserved: Its share of the account's concurrency, or None.

        in_flight: Invocations running, of all versions.
    """

    choose: Callable[[str], Fleet]
    reserved: int | None = None
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class EventLimits:
    """Limits of an event's attempts."""

    retries: int  # after the first, when the function fails
    age_s: int  # the most; an older event is dropped


@dataclass(eq=False, slots=True)
class _Event:
    runner: Runner
    request: Request
    limits: EventLimits
    accepted: float
    attempts: int = 0


class Admission:
    """
    The admission of all invocations.

    Args:
        account_concurrency: The limit on executions of all functions together.

        event_retry_delays_s: Pauses before an event is tried again when the function
            failed: 60 and 120 s on AWS, so three attempts in all.
    """

    def __init__(
        self,
        account_concurrency: int,
        event_retry_delays_s: Sequence[float],
        pace: AwsPace | None = None,
    ) -> None:
        self.account_concurrency = account_concurrency
        self._pace = pace
        self._retry_delays_s = event_retry_delays_s
        self._runners: set[Runner] = set()
        self._waiting: dict[Runner, deque[_Event]] = {}
        self._retries: dict[_Event, asyncio.TimerHandle] = {}
        self._running: set[PendingResult] = set()
        self._later: asyncio.TimerHandle | None = None
        self._stopped = False

    @property
    def unreserved_concurrency(self) -> int:
        """The concurrency shared by functions without a reservation."""
        return self.account_concurrency - sum(r.reserved or 0 for r in self._runners)

    def add(self, runner: Runner) -> None:
        """Let a function run."""
        self._runners.add(runner)

    def remove(self, runner: Runner) -> None:
        """Forget a function and its waiting events; running invocations go on."""
        self._runners.discard(runner)
        self._waiting.pop(runner, None)
        if self._pace:
            self._pace.forget(runner)
        for event in [event for event in self._retries if event.runner is runner]:
            self._retries.pop(event).cancel()

    def invoke(
        self, runner: Runner, request: Request, *, is_event: bool = False
    ) -> PendingResult:
        """
        Run a request now; nobody waits for the answer to an event.

        Raises:
            LambdaError: 429, if no concurrency is left or it comes too early.
        """
        if self._stopped:
            raise errors.stopping()
        reason = self._reason_to_wait(runner)
        if reason:
            raise errors.ThrottledError(reason)
        fleet = runner.choose(request.qualifier)
        reason = self._reason_to_slow_down(runner, fleet, is_event=is_event)
        if reason:
            raise errors.ThrottledError(reason)
        execution = Execution(request)
        runner.in_flight += 1
        self._running.add(execution.answer)
        execution.answer.add_done_callback(partial(self._release, runner))
        fleet.submit(execution)
        return execution.answer

    def enqueue(self, runner: Runner, request: Request, limits: EventLimits) -> None:
        """Run a request as soon as there is room, and again if the function fails."""
        self._enqueue(_Event(runner, request, limits, time.monotonic()))

    def set_reserved(self, runner: Runner, reserved: int | None) -> None:
        """Change a function's share."""
        runner.reserved = reserved
        self._admit_events()

    def stop(self) -> None:
        """Refuse everything from now on, waiting calls too."""
        self._stopped = True
        for runner in list(self._runners):
            self.remove(runner)
        if self._later is not None:
            self._later.cancel()
        for answer in self._running:
            if not answer.done():
                answer.set_exception(errors.stopping())

    def _reason_to_wait(self, runner: Runner) -> str | None:
        if runner.reserved is not None:
            return _RESERVED if runner.in_flight >= runner.reserved else None
        shared = sum(r.in_flight for r in self._runners if r.reserved is None)
        return _ACCOUNT if shared >= self.unreserved_concurrency else None

    def _reason_to_slow_down(
        self, runner: Runner, fleet: Fleet, *, is_event: bool
    ) -> str | None:
        if self._pace is None:
            return None
        return self._pace.refuse_or_count(
            runner,
            reserved=runner.reserved,
            shared=self.unreserved_concurrency,
            is_cold=not fleet.has_idle,
            is_event=is_event,
        )

    def _release(self, runner: Runner, answer: PendingResult) -> None:
        runner.in_flight -= 1
        self._running.discard(answer)
        self._admit_events()

    def _enqueue(self, event: _Event) -> None:
        self._retries.pop(event, None)
        self._waiting.setdefault(event.runner, deque()).append(event)
        self._admit_events()

    def _admit_events(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        for runner, waiting in list(self._waiting.items()):
            if runner.reserved == 0:  # LocalStack test_reserved_concurrency
                waiting.clear()
            while waiting and not self._stopped and not self._reason_to_wait(runner):
                event = waiting.popleft()
                if not self._run_event(event):
                    waiting.appendleft(event)
                    self._admit_events_later()
                    break
            if not waiting:
                self._waiting.pop(runner, None)

    def _admit_events_later(self) -> None:
        if self._later is None:
            loop = asyncio.get_running_loop()
            self._later = loop.call_later(_SLOW_DOWN_S, self._admit_events)

    def _run_event(self, event: _Event) -> bool:
        """Run an event, or drop it if it is obsolete; return False if it must wait."""
        if time.monotonic() - event.accepted > event.limits.age_s:
            return True
        try:
            answer = self.invoke(event.runner, event.request, is_event=True)
        except errors.NotFoundError:  # deleted since the event was accepted
            return True
        except errors.ThrottledError:
            return False
        answer.add_done_callback(partial(self._on_event_done, event))
        return True

    def _on_event_done(self, event: _Event, answer: PendingResult) -> None:
        if answer.exception() or answer.result().error_type is None:
            return
        retries = min(event.limits.retries, len(self._retry_delays_s))
        if event.attempts < retries and event.runner in self._runners:
            delay_s = self._retry_delays_s[event.attempts]
            event.attempts += 1
            loop = asyncio.get_running_loop()
            self._retries[event] = loop.call_later(delay_s, self._enqueue, event)
