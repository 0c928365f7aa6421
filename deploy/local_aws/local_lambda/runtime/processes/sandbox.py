"""Sandboxes: /tmp and log stream, which outlive an environment's process."""

import asyncio
import shutil
import time
import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local_aws.local_lambda.logs.environment_log import EnvironmentLog, Stream
from local_aws.local_lambda.logs.shipper import LogShipper
from local_aws.local_lambda.runtime.version import Version


@dataclass(eq=False, slots=True)
class Sandbox:
    """
    The place in which environments run, one after the other.

    Attributes:
        name: Unique; the log stream's name ends in it.

        tmp: Its TMPDIR, where a /tmp of its own is not permitted.

        was_reset: Whether a process has failed in it. The init of the next one is
            part of its first invocation.
    """

    name: str
    tmp: Path
    log: EnvironmentLog
    was_reset: bool = False


class Sandboxes:
    """The sandboxes of one version."""

    def __init__(self, folder: Path, version: Version, logs: LogShipper) -> None:
        self._folder = folder
        self._version = version
        self._logs = logs
        self._made: set[Sandbox] = set()
        folder.mkdir(parents=True)

    def make(self) -> Sandbox:
        """Make one."""
        name = uuid.uuid4().hex
        day = time.strftime("%Y/%m/%d", time.gmtime())
        stream = Stream(
            self._version.region,
            self._version.log_group,
            f"{day}/[{self._version.number}]{name}",
        )
        log = EnvironmentLog(self._folder / f"{name}.txt", stream)
        sandbox = Sandbox(name, self._folder / name, log)
        self._made.add(sandbox)
        self._logs.add(log)
        return sandbox

    def remove(self, sandbox: Sandbox) -> None:
        """Remove a sandbox that is no longer used; its output is still shipped."""
        self._made.discard(sandbox)
        self._logs.remove(sandbox.log)
        sandbox.log.path.unlink(missing_ok=True)
        if sandbox.tmp.exists():
            remove = partial(shutil.rmtree, sandbox.tmp, ignore_errors=True)
            asyncio.get_running_loop().run_in_executor(None, remove)

    def end_logs(self) -> None:
        """Keep their lines from bringing a deleted log group back."""
        for sandbox in self._made:
            sandbox.log.stream.ended = True

    def let_go(self) -> None:
        """Stop watching their logs, before the folder goes."""
        for sandbox in self._made:
            self._logs.remove(sandbox.log)
        self._made.clear()
