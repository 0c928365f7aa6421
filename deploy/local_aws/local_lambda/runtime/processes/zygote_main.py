"""
One function version's parent process: it imports the libraries once and is forked.

Run by path, never imported: it must know nothing of this project, because its children
become execution environments. Commands come on stdin, one JSON object a line::

    {"spawn": ID, "sandbox": NAME, "tmp": PATH, "tmp_mb": MB,
     "environ": {...}, "log": PATH, "agent": USER_AGENT, "descriptors": MOST}
    {"kill": ID}
    {"forget": NAME}

A sandbox is where one environment runs after the other; sandbox_mounts.py gives it a
/tmp of its own. Where that is not permitted, TMPDIR is the PATH given, of any size.

Reports leave on stdout::

    {"private_tmp": BOOL}     once, first of all
    {"started": ID, "pid": PID, "at": SECONDS}     on the monotonic clock
    {"exited": ID, "status": STATUS, "peak_kb": KIB}

When stdin closes, whatever the reason, it kills its children and ends. So nothing
outlives the endpoint, even if that was killed. On Linux, neither does what a function
detached from its process group: see detached_processes.py.

The handler's module is imported by the child, as a cold start would. Only third-party
distributions found in the package are imported here, and nothing of theirs may run a
thread. AWS's runtime client has read AWS_LAMBDA_RUNTIME_API by the time it is
imported, so all children share one address and say who they are in the User-Agent.
"""

import contextlib
import importlib.util
import json
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_aws.local_lambda.runtime.processes.sandbox_mounts import SandboxMounts

_HERE = Path(__file__)
_MAXRSS_A_KB = 1024 if sys.platform == "darwin" else 1


def _beside(name: str) -> ModuleType:
    """Import a module of this folder, which no function may find on its path."""
    path = _HERE.with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"_{name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


environment_main = _beside("environment_main")
detached_processes = _beside("detached_processes")
preload = _beside("preload")
sandbox_mounts = _beside("sandbox_mounts")


def main() -> None:
    """Serve until stdin closes; a forked child becomes an environment instead."""
    start, tmp, *layers = sys.argv[1:]
    # Before libraries are imported, which may print and start processes.
    commands, reports = _take_pipes()
    detached_processes.adopt()
    os.umask(0o022)  # what functions have on Lambda; the endpoint's is stricter
    root = Path(os.environ["LAMBDA_TASK_ROOT"])
    sys.path.insert(0, str(root))
    _allow_many_sandboxes()
    # A process with threads cannot do this, and libraries may start some.
    code = [root, *map(Path, layers)]
    has_own_tmp = tmp == "private" and sandbox_mounts.is_permitted(code)
    namespaces = sandbox_mounts.SandboxMounts(code) if has_own_tmp else None
    if start == "fork":
        preload.preload(root)
    if namespaces:
        preload.compile_own(root)
        namespaces.protect()
    parent = Parent(commands, reports, namespaces, forks=start == "fork")
    command = parent.serve()
    # Only a forked child gets here with a command. It carries none of the parent's
    # frames, so sys.exit() in a handler ends it like any process.
    if command:
        environment_main.become(command)


def _take_pipes() -> tuple[int, int]:
    """Keep stdin and stdout out of everybody's reach; return them as descriptors."""
    commands, reports = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return commands, reports


def _allow_many_sandboxes() -> None:
    """Make room for a descriptor of each sandbox."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Parent:
    """
    Starts, kills and reaps environments as told on stdin.

    Args:
        commands, reports: Descriptors to read from and to write to.

        namespaces: Gives sandboxes a /tmp of their own; None where it may not.

        forks: Whether children are forked; otherwise each is a fresh interpreter,
            for systems where a fork after imports is unsafe (macOS).
    """

    def __init__(
        self,
        commands: int,
        reports: int,
        namespaces: "SandboxMounts | None",
        *,
        forks: bool,
    ) -> None:
        self._commands, self._reports = commands, reports
        self._namespaces = namespaces
        self._forks = forks
        self._pids: dict[str, int] = {}
        # Imported libraries may have started some.
        self._helpers = detached_processes.children()
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._report({"private_tmp": namespaces is not None})

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
                elif "forget" in command:
                    if self._namespaces:
                        self._namespaces.forget(command["forget"])
                elif self._spawn(command):
                    return dict(command)

    def _spawn(self, command: dict[str, Any]) -> bool:
        """Start an environment; True in the forked child."""
        environment = command["spawn"]
        try:
            pid, at, log = self._start(command)
        except OSError as error:  # of processes, descriptors or memory there is no more
            why = f"An environment could not be started: {error}."
            print(why, file=sys.stderr, flush=True)
            self._report({"exited": environment, "status": None, "peak_kb": 0})
            return False
        if pid == 0:
            self._let_go(log)
            return True
        # The child does this too: either way a kill hits the whole group.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        self._pids[environment] = pid
        self._report({"started": environment, "pid": pid, "at": at})
        return False

    def _start(self, command: dict[str, Any]) -> tuple[int, float, int]:
        """Start a process; return its pid, 0 in the forked child, when, and its log."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        log = os.open(command["log"], flags, 0o600)  # a sandbox may not see it
        pid = -1
        try:
            if self._namespaces:
                self._namespaces.enter(command["sandbox"], command["tmp_mb"])
            else:
                Path(command["tmp"]).mkdir(exist_ok=True)
                command["environ"]["TMPDIR"] = command["tmp"]
            at = time.monotonic()
            pid = os.fork() if self._forks else _start_fresh(command, log)
        finally:
            if pid:
                if self._namespaces:
                    self._namespaces.leave()
                os.close(log)
        return pid, at, log

    def _let_go(self, log: int) -> None:
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for own in (log, self._commands, self._reports, self._wake, self._waker):
            os.close(own)
        if self._namespaces:
            self._namespaces.stay()

    def _kill(self, environment: str) -> None:
        if pid := self._pids.get(environment):
            _kill_group(pid)

    def _kill_all(self) -> None:
        for pid in self._pids.values():
            _kill_group(pid)
        for pid in self._pids.values():
            os.waitpid(pid, 0)
        detached_processes.end()

    def _reap(self) -> None:
        ids = {pid: environment for environment, pid in self._pids.items()}
        reports = []
        while ended := _next_ended():
            pid, status, usage = ended
            environment = ids.pop(pid, None)
            if environment is None:
                continue
            _kill_group(pid)  # whatever the function started and left behind
            del self._pids[environment]
            peak_kb = usage.ru_maxrss // _MAXRSS_A_KB
            reports.append(
                {"exited": environment, "status": status, "peak_kb": peak_kb}
            )
        if not reports:
            return
        # The sandbox may be used again as soon as the exit is known.
        detached_processes.end(self._pids.values(), self._helpers)
        for report in reports:
            self._report(report)

    def _report(self, report: dict[str, Any]) -> None:
        line = json.dumps(report).encode() + b"\n"
        # A closed pipe means the endpoint is gone; stdin says so next.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._reports, line)


def _next_ended() -> tuple[int, int, resource.struct_rusage] | None:
    try:
        ended = os.wait4(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return ended if ended[0] else None


def _kill_group(pid: int) -> None:
    # macOS says EPERM for a group in which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _start_fresh(command: dict[str, Any], log: int) -> int:
    import subprocess  # noqa: PLC0415 - not where children are forked

    # -P and -s as for this process: the package's own modules come first.
    main = _HERE.with_name("environment_main.py")
    process = subprocess.Popen(
        [sys.executable, "-P", "-s", main],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
    )
    assert process.stdin
    # Everybody could read it among the arguments. It is shorter than a pipe is long.
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(json.dumps(command).encode())
    # Reaped by pid in _reap, so the object must not warn about a running child.
    process.returncode = 0
    return process.pid


if __name__ == "__main__":
    main()
