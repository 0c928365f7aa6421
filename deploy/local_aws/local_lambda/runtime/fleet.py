"""All environments of one function version, and the zygote they are forked from."""

import asyncio
import contextlib
import shutil
import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from local_aws.local_lambda import errors
from local_aws.local_lambda.logs.shipper import LogShipper
from local_aws.local_lambda.requests.access_keys import KeyPair
from local_aws.local_lambda.runtime.execution_environment import Environment
from local_aws.local_lambda.runtime.idle_stack import Idle
from local_aws.local_lambda.runtime.invocation import Execution
from local_aws.local_lambda.runtime.processes.memory_watch import MemoryWatch
from local_aws.local_lambda.runtime.processes.sandbox import Sandbox, Sandboxes
from local_aws.local_lambda.runtime.processes.zygote_control import Zygote
from local_aws.local_lambda.runtime.version import Version

_READY_WITHIN_S = 20.0  # a caller who asks about a function waits no longer


@dataclass(frozen=True, slots=True)
class Shared:
    """
    The parts of an endpoint that all fleets share.

    Attributes:
        runtime_api: Host and port of the Runtime API.

        environments: All environments, by the name each uses at the Runtime API.

        keep_idle_s: How long an environment waits for its next invocation.
    """

    endpoint_url: str
    keys: KeyPair
    runtime_api: str
    environments: dict[str, Environment]
    logs: LogShipper
    memory: MemoryWatch
    keep_idle_s: float


class Fleet:
    """
    The environments of one version.

    The zygote starts at once, so that the first execution need not wait for imports.
    """

    def __init__(self, version: Version, folder: Path, shared: Shared) -> None:
        self._version = version
        self._folder = folder
        self._shared = shared
        self._environments: dict[str, Environment] = {}
        self._idle = Idle[Environment](shared.keep_idle_s, self._leave)
        self._leaving: set[Environment] = set()
        self._sandboxes = Sandboxes(folder, version, shared.logs)
        self._spare = Idle[Sandbox](shared.keep_idle_s, self._remove)
        self._retired = False
        self._closing: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._zygote: Zygote | None = None
        self._start_zygote()

    async def ready(self) -> None:
        """Wait, but not for long, until a first execution need not wait for imports."""
        if self._zygote is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_READY_WITHIN_S):
                    await self._zygote.ready()

    @property
    def has_idle(self) -> bool:
        """Whether an environment is free."""
        return len(self._idle) > 0

    @property
    def is_busy(self) -> bool:
        """Whether an execution is running."""
        return len(self._idle) < len(self._environments)

    def submit(self, execution: Execution) -> None:
        """Start an execution, in the environment used last if one is free."""
        environment = self._idle.pop() or self._start()
        environment.assign(execution)

    def retire(self) -> None:
        """Take no more work; end once running executions have finished."""
        self._retired = True
        if self.is_busy:
            while environment := self._idle.pop():  # none of them is to be chosen again
                self._kill(environment.id)
        else:
            self._end()

    async def ended(self) -> None:
        """Wait until a retired fleet's last process is gone."""
        await self._ended.wait()

    async def stop(self) -> None:
        """Kill everything now."""
        self._retired = True
        self._end()
        await self._ended.wait()

    def end_logs(self) -> None:
        """Keep this fleet's lines from bringing a deleted log group back."""
        self._sandboxes.end_logs()

    def _end(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())

    async def _close(self) -> None:
        try:
            if self._zygote is not None:
                await self._zygote.close()
            self._idle.clear()
            self._spare.clear()
            self._sandboxes.let_go()
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        finally:
            self._ended.set()

    def _start_zygote(self) -> Zygote:
        shared = self._shared
        self._zygote = Zygote(
            self._version.environ(shared.runtime_api, shared.endpoint_url, shared.keys),
            self._version.package.task_root,
            [layer.task_root for layer in self._version.layers],
            self._on_report,
            self._on_zygote_end,
        )
        return self._zygote

    def _start(self) -> Environment:
        sandbox = self._spare.pop() or self._sandboxes.make()
        id_ = uuid.uuid4().hex
        environment = Environment(
            id_,
            self._version,
            sandbox,
            memory=self._shared.memory,
            kill=partial(self._kill, id_),
            on_free=self._on_free,
            on_undelivered=self._resubmit,
        )
        self._environments[id_] = self._shared.environments[id_] = environment
        zygote = self._zygote or self._start_zygote()
        zygote.spawn(id_, sandbox, self._version.tmp_mb)
        return environment

    def _kill(self, environment_id: str) -> None:
        if self._zygote is not None:
            self._zygote.kill(environment_id)

    def _leave(self, environment: Environment) -> None:
        """End an environment that was idle for long, and its sandbox."""
        self._leaving.add(environment)
        self._kill(environment.id)

    def _remove(self, sandbox: Sandbox) -> None:
        if self._zygote is not None:
            self._zygote.forget(sandbox.name)
        self._sandboxes.remove(sandbox)

    def _on_free(self, environment: Environment) -> None:
        self._idle.push(environment)
        if self._retired:
            self.retire()

    def _resubmit(self, execution: Execution) -> None:
        if self._closing is None:
            self.submit(execution)
        elif not execution.answer.done():
            execution.answer.set_exception(errors.stopping())

    def _on_report(self, report: dict[str, Any]) -> None:
        if "started" in report:
            self._environments[report["started"]].started(report["pid"], report["at"])
        else:
            self._on_exit(report["exited"], report["status"], report["peak_kb"])

    def _on_exit(self, id_: str, status: int | None, peak_kb: int) -> None:
        environment = self._environments.pop(id_)
        del self._shared.environments[id_]
        self._idle.remove(environment)
        if environment in self._leaving:
            self._leaving.discard(environment)
            self._remove(environment.sandbox)
        else:
            environment.sandbox.was_reset = True
            self._spare.push(environment.sandbox)
        environment.exited(status, peak_kb)
        if self._retired and not self.is_busy:
            self._end()

    def _on_zygote_end(self) -> None:
        self._zygote = None
        for id_ in list(self._environments):
            self._on_exit(id_, None, 0)
