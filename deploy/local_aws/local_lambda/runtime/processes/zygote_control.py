"""The endpoint's side of a zygote: starts it, commands it, reads its reports."""

import asyncio
import functools
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_facts.limits import limit
from local_aws.local_lambda.runtime.processes.sandbox import Sandbox

SCRIPT = Path(__file__).with_name("zygote_main.py")

# Apple's frameworks abort in a forked child that did not exec.
START = "fresh" if sys.platform == "darwin" else "fork"

# A /tmp of their own for environments, wherever that is permitted.
TMP = "shared" if sys.platform == "darwin" else "private"

_READY_WITHIN_S = 60  # it imports the libraries meanwhile
_PATIENCE_S = 10  # the endpoint itself is given 20
_PATIENCE_IMPORTING_S = 2

_logger = logging.getLogger(__name__)


class Zygote:
    """
    A process that forks environments of one function version.

    Args:
        layers: The unpacked content of its layers.

        on_report: Called with each report of a start or an exit; see zygote_main.

        on_end: Called once, when the process has ended and every report is in.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        task_root: Path,
        layers: Sequence[Path],
        on_report: Callable[[dict[str, Any]], None],
        on_end: Callable[[], None],
    ) -> None:
        self._environ = environ
        self._task_root = task_root
        self._layers = layers
        self._on_report = on_report
        self._on_end = on_end
        self._unsent: list[bytes] = []
        self._ready = asyncio.Event()
        self._started = asyncio.create_task(self._start())
        self._ended = asyncio.create_task(self._listen())

    def spawn(self, environment: str, sandbox: Sandbox, tmp_mb: int) -> None:
        """Ask for an environment of that name; its start is reported."""
        log = sandbox.log
        self._send(
            {
                "spawn": environment,
                "sandbox": sandbox.name,
                "tmp": str(sandbox.tmp),
                "tmp_mb": tmp_mb,
                "environ": {"AWS_LAMBDA_LOG_STREAM_NAME": log.stream.name},
                "log": str(log.path),
                "agent": f"env/{environment}",
                "descriptors": limit("descriptors").most,
            }
        )

    def kill(self, environment: str) -> None:
        """Ask for an environment's end; it is reported like any exit."""
        self._send({"kill": environment})

    def forget(self, sandbox: str) -> None:
        """Tell that a sandbox will not be used again."""
        self._send({"forget": sandbox})

    async def ready(self) -> None:
        """Wait until it can fork at once, or never will."""
        await self._ready.wait()

    async def close(self) -> None:
        """End the process and all its children."""
        try:
            process = await asyncio.shield(self._started)
        except OSError:
            return  # it never was
        assert process.stdin is not None
        process.stdin.close()
        # Until it is ready it may be stuck in an import, and has no children. Then it
        # ends them first, with what they detached, which would outlive it if killed.
        patience_s = _PATIENCE_S if self._ready.is_set() else _PATIENCE_IMPORTING_S
        try:
            await asyncio.wait_for(asyncio.shield(self._ended), patience_s)
        except TimeoutError:
            process.kill()
            await self._ended

    def _send(self, command: Mapping[str, object]) -> None:
        line = json.dumps(command).encode() + b"\n"
        if self._started.done():
            process = self._started.result()
            assert process.stdin is not None
            process.stdin.write(line)
        else:
            self._unsent.append(line)

    async def _start(self) -> asyncio.subprocess.Process:
        # -P and -s: neither this folder nor the user's own packages are on sys.path.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-s", str(SCRIPT), START, TMP),
            *map(str, self._layers),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environ,
            cwd=self._task_root,
            start_new_session=True,  # Ctrl-C is for the endpoint, which closes us
        )
        assert process.stdin is not None
        process.stdin.writelines(self._unsent)
        return process

    async def _listen(self) -> None:
        try:
            process = await self._started
            assert process.stdout is not None
            await self._hear_ready(process, process.stdout)
            self._ready.set()
            async for line in process.stdout:
                try:
                    self._on_report(json.loads(line))
                except Exception:  # the reports after it are as important
                    _logger.exception("The report %s was not understood.", line)
            await process.wait()
        except OSError:
            _logger.exception("No process for functions could be started.")
        finally:
            self._ready.set()
            self._on_end()

    async def _hear_ready(
        self, process: asyncio.subprocess.Process, reports: asyncio.StreamReader
    ) -> None:
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                line = await reports.readline()
        except TimeoutError:
            text = "The libraries of %s took over %d s to import; that was stopped."
            _logger.warning(text, self._task_root, _READY_WITHIN_S)
            process.kill()
            return
        if line and TMP == "private" and not json.loads(line)["private_tmp"]:
            _warn_of_shared_tmp()


@functools.cache
def _warn_of_shared_tmp() -> None:
    _logger.warning(
        "This system does not let us mount, so /tmp is not private to an environment. "
        "Each has a folder of its own in TMPDIR, of any size."
    )
