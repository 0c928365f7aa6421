"""
What a process does to become an execution environment: AWS's runtime client runs in it.

Loaded by path from zygote_main.py, whose forked children call `become`, or run by path
as a fresh interpreter with the command on its stdin.
"""

# awslambdaric imports it late, so that for Python 3.12 on each environment would do so.
import concurrent.futures.thread  # noqa: F401
import contextlib
import ctypes
import functools
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

import runtime_client
from awslambdaric import bootstrap, lambda_config, lambda_runtime_client

PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


def become(command: dict[str, Any]) -> None:
    """Run AWS's runtime client in this process until it ends."""
    _isolate(command["descriptors"])
    # Entering a mount namespace resets the working directory.
    os.chdir(os.environ["LAMBDA_TASK_ROOT"])
    os.environ.update(command["environ"])
    if tempfile := sys.modules.get("tempfile"):
        vars(tempfile)["tempdir"] = None  # a library asked before TMPDIR was set
    agent = command["agent"]
    runtime_client.initialize_client(agent)
    config = lambda_config.LambdaConfigProvider(["", os.environ["_HANDLER"]])
    client = lambda_runtime_client.LambdaRuntimeClient(
        config.api_address, config.use_thread_polling
    )
    # Failed imports are told through http.client, which does not know the agent.
    client.call_rapid = functools.partial(_call_rapid, client.call_rapid, agent)
    bootstrap.run(config.handler, client)


def _isolate(descriptors: int) -> None:
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    if sys.platform == "linux":
        # The parent may be killed; its children must not stay.
        parent = os.getppid()
        _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if parent == 1:
            sys.exit("the parent process is gone")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = hard == resource.RLIM_INFINITY
    limit = descriptors if unlimited else min(descriptors, hard)
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
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    settings = json.load(sys.stdin)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # what functions find there
    os.close(null)
    become(settings)
