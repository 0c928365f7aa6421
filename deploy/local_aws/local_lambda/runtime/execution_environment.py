"""
One execution environment: a process, its execution, its clock, its memory, its log.

* starting   forked; imports the handler, then asks for work
* idle       waits for work, or is about to ask for it
* working    has an execution; is killed at the function's timeout
* gone       the process has ended

While it starts or works it is killed once it has more memory than configured.
"""

import asyncio
import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from local_aws.local_lambda.runtime import outcome, report_lines
from local_aws.local_lambda.runtime.invocation import Execution
from local_aws.local_lambda.runtime.outcome import InvocationResult
from local_aws.local_lambda.runtime.processes import process_stats
from local_aws.local_lambda.runtime.processes.memory_watch import MemoryWatch, Watched
from local_aws.local_lambda.runtime.processes.sandbox import Sandbox
from local_aws.local_lambda.runtime.version import Version

# AWS's page lambda-runtime-environment: an init is stopped then, and repeated under the
# function's own timeout as a part of the invocation.
INIT_S = 10.0
_A_MOMENT_S = 0.05

Deliver = Callable[[Execution, int], None]
"""Takes an execution and its deadline, in milliseconds since the epoch."""

_LIMITS_MEMORY = sys.platform == "linux"


class Environment:
    """
    The endpoint's view of one process.

    Args:
        id: The name the process uses at the Runtime API.

        on_free: Called when it could take the next invocation.

        on_undelivered: Called with an execution it died without having begun.
    """

    def __init__(
        self,
        id: str,  # noqa: A002
        version: Version,
        sandbox: Sandbox,
        *,
        memory: MemoryWatch,
        kill: Callable[[], None],
        on_free: Callable[["Environment"], None],
        on_undelivered: Callable[[Execution], None],
    ) -> None:
        self.id = id
        self.sandbox = sandbox
        self.execution: Execution | None = None
        self._version = version
        self._memory = memory
        self._kill = kill
        self._on_free = on_free
        self._on_undelivered = on_undelivered
        self._deliver: Deliver | None = None
        self._is_delivered = False
        limit_kb = version.memory_mb * 1024 if _LIMITS_MEMORY else sys.maxsize
        self._process = Watched(0, limit_kb, kill)
        self._forked = time.monotonic()
        self._waited_s = 0.0
        self._init_s: float | None = None
        self._unreported_init_s = 0.0
        self._init_error = b""
        self._init_timed_out = False
        self._began: float | None = None
        self._log_start = 0
        self._verdict: InvocationResult | None = None
        self._gone = False
        self._timer: asyncio.TimerHandle | None = None

    def assign(self, execution: Execution) -> None:
        """Give it an execution, which the process fetches."""
        self.execution = execution
        if self._deliver is not None:
            self._hand_over(execution, self._deliver)

    def started(self, pid: int, at: float) -> None:
        """Note the process and its start on the monotonic clock."""
        self._process.pid = pid
        self._forked = at
        if self._init_s is not None:  # it was faster than the news of it
            return
        if _LIMITS_MEMORY:
            self._memory.add(self._process)
        if self.sandbox.was_reset and self.execution:
            self._begin(self.execution, at)
        else:
            self._call_after(at + INIT_S - time.monotonic(), self._stop_init)

    def next(self, deliver: Deliver) -> None:
        """
        Deliver the next execution to the process, now or once there is one.

        Args:
            deliver: Called with it, unless the process is about to end.
        """
        if self._init_s is None:
            self._end_init(time.monotonic() - self._forked)
        self._deliver = deliver
        if self.execution is not None and not self._is_delivered:
            self._hand_over(self.execution, deliver)

    def respond(self, request_id: str, result: InvocationResult) -> bool:
        """Take the process's answer; return False if it is not expected."""
        execution = self.execution
        if (
            execution is None
            or execution.request.id != request_id
            or self._began is None
            or self._is_doomed
        ):
            return False
        self._note_peak(process_stats.peak_kb(self._process.pid))
        if self._process.is_over_limit:  # for too short a time to be seen
            self._kill()
        elif result.error_type == "Function.ResponseSizeTooLarge":
            self._verdict = result
            self._kill()  # the runtime would not survive the refusal anyway
        else:
            self._finish(execution, result)
            self._on_free(self)
        return True

    def init_failed(self, payload: bytes) -> None:
        """Keep the runtime's report of a failed import; its exit follows."""
        self._init_error = payload

    def exited(self, status: int | None, peak_kb: int) -> None:
        """Note the end of the process, and answer its execution."""
        self._gone = True
        self._note_peak(peak_kb)
        self._stop_watching()
        execution = self.execution
        if execution is None:
            return
        if self._began is None and (self._init_s is not None or self._init_timed_out):
            self.execution = None
            self._on_undelivered(execution)
            return
        if self._began is None:
            self._begin(execution, time.monotonic())
        self._finish(execution, self._last_words(execution.request.id, status))

    @property
    def _is_doomed(self) -> bool:
        """Whether it was killed and is about to be gone."""
        return self._process.is_over_limit or self._verdict is not None

    def _last_words(self, request_id: str, status: int | None) -> InvocationResult:
        if self._process.is_over_limit:
            return outcome.out_of_memory(request_id)
        if self._verdict:
            return self._verdict
        if self._init_error:
            return outcome.failed(self._init_error)
        return outcome.exited(request_id, status)

    def _hand_over(self, execution: Execution, deliver: Deliver) -> None:
        if self._gone or self._init_timed_out:
            return
        self._deliver = None
        self._is_delivered = True
        if self._began is None:
            self._begin(execution, time.monotonic())
        assert self._began is not None
        left_s = self._began + self._version.timeout_s - time.monotonic()
        deliver(execution, int((time.time() + left_s) * 1000))

    def _end_init(self, seconds: float) -> None:
        self._init_s = seconds
        if self._began is None:
            self._unreported_init_s = seconds
            self._stop_watching()

    def _stop_init(self) -> None:
        # On AWS no other environment is on its cores.
        waited_s = process_stats.core_wait_s(self._process.pid)
        more_s, self._waited_s = waited_s - self._waited_s, waited_s
        if more_s > _A_MOMENT_S:
            self._call_after(more_s, self._stop_init)
            return
        self._init_timed_out = True
        took_s = time.monotonic() - self._forked
        self.sandbox.log.write(report_lines.init_timed_out(took_s))
        self._kill()

    def _time_out(self, execution: Execution) -> None:
        request_id, timeout_s = execution.request.id, self._version.timeout_s
        self._verdict = self._verdict or outcome.timed_out(request_id, timeout_s)
        self._kill()

    def _call_after(self, seconds: float, call: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, call)

    def _stop_watching(self) -> None:
        self._memory.remove(self._process)
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self, execution: Execution, at: float) -> None:
        self._began = at
        if not self._gone:
            left_s = at + self._version.timeout_s - time.monotonic()
            self._call_after(left_s, partial(self._time_out, execution))
            if _LIMITS_MEMORY:
                self._memory.add(self._process)
        self._log_start = self.sandbox.log.write(
            report_lines.start(execution.request.id, self._version.number)
        )

    def _finish(self, execution: Execution, result: InvocationResult) -> None:
        assert self._began is not None
        self._stop_watching()
        is_timeout = result.error_type == outcome.TIMED_OUT
        took_s = time.monotonic() - self._began
        lines = report_lines.end(
            execution.request.id,
            result,
            duration_s=self._version.timeout_s if is_timeout else took_s,
            init_s=self._unreported_init_s,
            memory_mb=self._version.memory_mb,
            peak_mb=math.ceil(self._process.peak_kb / 1024),
        )
        self.sandbox.log.write(lines, is_last=True)
        self._unreported_init_s = 0.0
        self._began = None
        self._is_delivered = False
        self.execution = None
        if execution.answer.done():  # the endpoint is stopping
            return
        wants_log = execution.request.wants_log
        log = self.sandbox.log.tail(self._log_start) if wants_log else None
        result = replace(result, version=self._version.number, log=log)
        execution.answer.set_result(result)

    def _note_peak(self, peak_kb: int) -> None:
        self._process.peak_kb = max(self._process.peak_kb, peak_kb)
