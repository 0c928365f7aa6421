"""
One function version's parent process: it imports the libraries once and is forked.

Run by path, never imported: it must know nothing of this project, because its children
become execution environments. Commands come on stdin, one JSON object a line::

    {"spawn": ID, "environ": {...}, "log": PATH, "agent": USER_AGENT}
    {"kill": ID}

Reports leave on stdout::

    {"started": ID, "pid": PID}
    {"exited": ID, "status": STATUS, "peak_kb": KIB}

When stdin closes, whatever the reason, it kills its children and ends. So nothing
outlives the endpoint, even if that was killed.

The handler's module is imported by the child, as a cold start would. Only third-party
distributions found in the package are imported here, and nothing of theirs may run a
thread. AWS's runtime client has read AWS_LAMBDA_RUNTIME_API by the time it is
imported, so all children share one address and say who they are in the User-Agent.
"""

import contextlib
import ctypes
import functools
import gc
import importlib
import importlib.metadata
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import runtime_client
from awslambdaric import bootstrap, lambda_config, lambda_runtime_client

DESCRIPTORS = 1024  # recorded: LocalStack test_runtime_ulimits (2025-11)
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve as the parent, or become an environment."""
    start, *rest = sys.argv[1:]
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    if start == "environment":
        become_environment(json.loads(rest[0]))
        return
    if start == "fork":
        preload()
    command = Parent(forks=start == "fork").serve()
    # Only a forked child gets here with a command. It carries none of the parent's
    # frames, so sys.exit() in a handler ends it like any process.
    if command:
        become_environment(command)


def preload() -> None:
    """Import the third-party libraries that the package carries."""
    handler = os.environ["_HANDLER"].replace("/", ".").partition(".")[0]
    for name in sorted(set(third_party(os.environ["LAMBDA_TASK_ROOT"], handler))):
        try:
            importlib.import_module(name)
        except (Exception, SystemExit):  # noqa: BLE001
            # The handler's own import will say so to the caller, if it needs it.
            traceback.print_exc()
    gc.collect()
    gc.freeze()  # keeps the collector from copying shared pages in every child


def third_party(task_root: str, handler: str) -> Iterator[str]:
    """Name the importable packages of distributions other than the handler's own."""
    for distribution in importlib.metadata.distributions(path=[task_root]):
        tops = {
            file.parts[0].partition(".")[0]
            for file in distribution.files or ()
            if file.suffix in {".py", ".so"}
        }
        names = {name for name in tops if name.isidentifier()}
        if handler not in names:
            yield from names


class Parent:
    """
    Starts, kills and reaps environments as told on stdin.

    Args:
        forks: Whether children are forked; otherwise each is a fresh interpreter,
            for systems where a fork after imports is unsafe (macOS).
    """

    def __init__(self, *, forks: bool) -> None:
        self._forks = forks
        self._pids: dict[str, int] = {}
        # Libraries may print: keep stdin and stdout out of their reach.
        self._commands, self._reports = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> dict[str, Any] | None:
        """Return None when stdin closed, or the command in a forked child."""
        unread = b""
        while True:
            readable, _, _ = select.select([self._commands, self._wake], [], [])
            if self._wake in readable:
                os.read(self._wake, 4096)
                self._reap()
            if self._commands not in readable:
                continue
            received = os.read(self._commands, 65_536)
            if not received:
                self._kill_all()
                return None
            *lines, unread = (unread + received).split(b"\n")
            for line in lines:
                command = json.loads(line)
                if "kill" in command:
                    self._kill(command["kill"])
                elif self._spawn(command):
                    return dict(command)

    def _spawn(self, command: dict[str, Any]) -> bool:
        """Start an environment; True in the forked child."""
        pid = os.fork() if self._forks else _start_fresh(command)
        if pid == 0:
            self._let_go()
            return True
        # The child does this too; whoever is first, a kill always hits the group.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        self._pids[command["spawn"]] = pid
        self._report({"started": command["spawn"], "pid": pid})
        return False

    def _let_go(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (self._commands, self._reports, self._wake, self._waker):
            os.close(descriptor)

    def _kill(self, environment: str) -> None:
        pid = self._pids.get(environment)
        if pid:
            _kill_group(pid)

    def _kill_all(self) -> None:
        for pid in self._pids.values():
            _kill_group(pid)
        for pid in self._pids.values():
            os.waitpid(pid, 0)

    def _reap(self) -> None:
        ids = {pid: environment for environment, pid in self._pids.items()}
        while ids:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            environment = ids.pop(pid, None)
            if environment is None:
                continue
            _kill_group(pid)  # whatever the function started and left behind
            del self._pids[environment]
            self._report(
                {
                    "exited": environment,
                    "status": status,
                    "peak_kb": usage.ru_maxrss,
                }
            )

    def _report(self, report: dict[str, Any]) -> None:
        line = json.dumps(report).encode() + b"\n"
        # A closed pipe means the endpoint is gone; stdin says so next.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._reports, line)


def _kill_group(pid: int) -> None:
    # macOS says EPERM for a group in which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _start_fresh(command: dict[str, Any]) -> int:
    arguments = [sys.executable, *_flags(), __file__, "environment"]
    process = subprocess.Popen([*arguments, json.dumps(command)])
    # Reaped by pid in _reap, so the object must not warn about a running child.
    process.returncode = 0
    return process.pid


def _flags() -> list[str]:
    return ["-P", "-s"]


def become_environment(command: dict[str, Any]) -> None:
    """Run AWS's runtime client in this process until it ends."""
    _isolate()
    os.environ.update(command["environ"])
    tempfile.tempdir = None  # a preloaded library may have asked before TMPDIR was set
    log = os.open(command["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    agent = command["agent"]
    runtime_client.initialize_client(agent)
    config = lambda_config.LambdaConfigProvider(["", os.environ["_HANDLER"]])
    client = lambda_runtime_client.LambdaRuntimeClient(
        config.api_address, config.use_thread_polling
    )
    # Failed imports are told through http.client, which does not know the agent.
    client.call_rapid = functools.partial(_call_rapid, client.call_rapid, agent)
    bootstrap.run(config.handler, client)


def _isolate() -> None:
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    if sys.platform == "linux":
        # The parent may be killed; its children must not stay.
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if parent == 1:
            sys.exit("the parent process is gone")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = hard == resource.RLIM_INFINITY
    limit = DESCRIPTORS if unlimited else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def _call_rapid(
    call: Callable[..., None],
    agent: str,
    method: str,
    endpoint: str,
    expected: int,
    payload: object = None,
    headers: dict[str, str] | None = None,
) -> None:
    call(method, endpoint, expected, payload, {**(headers or {}), "User-Agent": agent})


if __name__ == "__main__":
    main()
