"""
One execution environment: a process, the work it has, its clock and its log.

* starting   forked; imports the handler; asks for work when done
* idle       waits for work, or is about to ask for it
* working    has an invocation; is killed at the function's timeout
* gone       the process has ended
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rollout.local_lambda import outcome
from rollout.local_lambda.invocation import Answer, Invocation
from rollout.local_lambda.logs import EnvironmentLog
from rollout.local_lambda.outcome import Outcome
from rollout.local_lambda.version import Version

# AWS stops an init at 10 s and repeats it under the function's own timeout.
INIT_S = 10

_OURS = ("Sandbox.", "Runtime.Exit", "Function.")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """
    What stays when an environment's process is replaced: /tmp and the log stream.

    Attributes:
        folder: Holds both.

        log: What its processes print.

        was_reset: Whether a process has failed in it. The init of the next one is
            reported as part of its first invocation.
    """

    folder: Path
    log: EnvironmentLog
    was_reset: bool = False

    @property
    def tmp(self) -> Path:
        """The environment's TMPDIR."""
        return self.folder / "tmp"


class Environment:
    """
    The endpoint's view of one process.

    Args:
        id: How the process names itself towards the Runtime API.

        version: What it runs.

        sandbox: Where it runs.

        kill: Ends the process.

        on_free: Called when it could take the next invocation.

        on_undelivered: Called with work it died without having seen.
    """

    def __init__(
        self,
        id: str,  # noqa: A002
        version: Version,
        sandbox: Sandbox,
        *,
        kill: Callable[[], None],
        on_free: Callable[["Environment"], None],
        on_undelivered: Callable[[Invocation], None],
    ) -> None:
        self.id = id
        self.sandbox = sandbox
        self.invocation: Invocation | None = None
        self._version = version
        self._kill = kill
        self._on_free = on_free
        self._on_undelivered = on_undelivered
        self._work = asyncio.Event()
        self._pid = 0
        self._peak_kb = 0
        self._forked = time.monotonic()
        self._init_s: float | None = None
        self._init_reported = False
        self._init_error = b""
        self._began: float | None = None
        self._log_start = 0
        self._timed_out = False
        self._gone = False
        self._timer = self._kill_after(INIT_S + version.timeout_s)

    def assign(self, invocation: Invocation) -> None:
        """Give it work; it is fetched when the process asks."""
        self.invocation = invocation
        self._work.set()

    def started(self, pid: int) -> None:
        """Take note that the process exists."""
        self._pid = pid
        self._forked = time.monotonic()

    async def next(self) -> tuple[Invocation, int] | None:
        """
        Wait for work, as the process asked.

        Returns:
            The invocation and its deadline in milliseconds since the epoch; None if
            the process is not to run any more.
        """
        if self._init_s is None:
            self._init_s = time.monotonic() - self._forked
            self._timer.cancel()
        await self._work.wait()
        self._work.clear()
        if self._gone or self.invocation is None:
            return None
        self._begin(self.invocation)
        timeout_s = self._version.timeout_s
        self._timer = self._kill_after(timeout_s)
        return self.invocation, int((time.time() + timeout_s) * 1000)

    def respond(self, request_id: str, result: Outcome) -> bool:
        """Take the process's answer; False if nobody asked for it."""
        invocation = self.invocation
        if (
            invocation is None
            or invocation.request.id != request_id
            or self._began is None
            or self._timed_out
        ):
            return False
        self._finish(invocation, result)
        if result.error_type == "Function.ResponseSizeTooLarge":
            self._kill()  # the runtime would not survive the refusal anyway
        else:
            self._on_free(self)
        return True

    def init_failed(self, payload: bytes) -> None:
        """Keep what the runtime says about a failed import; its exit follows."""
        self._init_error = payload

    def exited(self, status: int | None, peak_kb: int) -> None:
        """Take note that the process has ended, and answer for it."""
        self._gone = True
        self._peak_kb = peak_kb
        self._timer.cancel()
        self._work.set()
        invocation = self.invocation
        if invocation is None:
            return
        if self._init_s is not None and self._began is None:
            self.invocation = None
            self._on_undelivered(invocation)
            return
        if self._began is None:
            self._begin(invocation)
        self._finish(invocation, self._last_words(invocation.request.id, status))

    def _last_words(self, request_id: str, status: int | None) -> Outcome:
        if self._timed_out:
            return outcome.timed_out(request_id, self._version.timeout_s)
        if self._init_error:
            return outcome.failed(self._init_error)
        return outcome.exited(request_id, status)

    def _kill_after(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._time_out)

    def _time_out(self) -> None:
        self._timed_out = True
        self._kill()

    def _begin(self, invocation: Invocation) -> None:
        self._began = time.monotonic()
        self._log_start = self.sandbox.log.write(
            f"START RequestId: {invocation.request.id} Version: {self._version.number}\n"
        )

    def _finish(self, invocation: Invocation, result: Outcome) -> None:
        self._timer.cancel()
        self.sandbox.log.write(self._closing_lines(invocation.request.id, result))
        self._init_reported = True
        self._began = None
        self.invocation = None
        if invocation.answer.done():  # the endpoint is stopping
            return
        wanted = invocation.request.wants_log
        log = self.sandbox.log.tail(self._log_start) if wanted else None
        invocation.answer.set_result(Answer(result, self._version.number, log))

    def _closing_lines(self, request_id: str, result: Outcome) -> str:
        """
        Spell END and REPORT as AWS does.

        LocalStack test_invocation_with_logs; of failures, the new style of AWS's page
        lambda-runtime-environment, where a reset's init is "suppressed".
        """
        assert self._began is not None
        duration_ms = (time.monotonic() - self._began) * 1000
        init_ms = 0.0
        if not self._init_reported and self._init_s is not None:
            init_ms = self._init_s * 1000
        if self.sandbox.was_reset:
            duration_ms, init_ms = duration_ms + init_ms, 0.0
        fields = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {duration_ms:.2f} ms",
            # Init is billed too, since 2025-08-01.
            f"Billed Duration: {math.ceil(duration_ms + init_ms)} ms",
            f"Memory Size: {self._version.memory_mb} MB",
            f"Max Memory Used: {self._peak_mb()} MB",
        ]
        if init_ms:
            fields.append(f"Init Duration: {init_ms:.2f} ms")
        kind = result.error_type or ""
        status = ""
        if kind == "Sandbox.Timedout":
            status = "Status: timeout"
        elif kind.startswith(_OURS):
            status = f"Status: error\tError Type: {kind}"
        return f"END RequestId: {request_id}\n" + "\t".join([*fields, f"{status}\n"])

    def _peak_mb(self) -> int:
        if not self._gone:
            self._peak_kb = _peak_kb(self._pid) or self._peak_kb
        return math.ceil(self._peak_kb / 1024)


def _peak_kb(pid: int) -> int:
    """Return a process's largest resident size; 0 where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return 0
    _, _, rest = status.partition("VmHWM:")
    return int(rest.split(maxsplit=1)[0]) if rest else 0
