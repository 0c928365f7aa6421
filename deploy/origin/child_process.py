"""Child processes: started, asked, ended, and how they ended in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing, suppress
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

_ANSWERS_WITHIN_S = 60  # on a machine that is busy
_STOP_LIMIT_S = 2


def start(module: str, *options: str, **more: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - Popen's
    """Run a module of ours in a process that ends when this one does."""
    # -P: no file in the working directory replaces a module of ours.
    command = [sys.executable, "-P", "-m", module, "--until-stdin-closes", *options]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: an interrupted cell keeps it
        **more,
    )


def answer_of(url: str) -> bytes:
    """Return the answer of a server on this machine, whatever proxies are set."""
    where = urlsplit(url)
    with closing(HTTPConnection(where.netloc, timeout=_ANSWERS_WITHIN_S)) as asked:
        asked.request("GET", where.path)
        return asked.getresponse().read()


def ended(process: subprocess.Popen[bytes], within_s: float = 0.0) -> str:
    """
    Describe how a child ended; return nothing if it lives so many seconds.

    A process that dies closes its sockets a moment before its parent can know.
    `local_aws` has a copy of this.
    """
    try:
        status = process.wait(within_s)
    except subprocess.TimeoutExpired:
        return ""
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a child, by force if need be with its own children; close its pipes."""
    process.terminate()
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
