"""Programs that nobody here wrote, which some trials ask for a second opinion."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

_STARTS_WITHIN_S = 180
_LAST_WORDS = 2_000


def program(name):
    """
    Return the path of a program, in $OTHERS or on PATH; skip the trial without it.
    """
    folder = os.environ.get("OTHERS", "")
    places = [Path(folder, "bin"), Path(folder, "node_modules", ".bin")]
    found = shutil.which(name, path=os.pathsep.join(map(str, places))) if folder else ""
    found = found or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: CONTRIBUTING.md, second opinions")
    return found


def npm_package(name):
    """Return the manifest of npm's package in $OTHERS; skip the trial without it."""
    found = Path(os.environ.get("OTHERS", ""), "node_modules", name, "package.json")
    if not found.is_file():
        pytest.skip(f"{name} is not installed: CONTRIBUTING.md, second opinions")
    return str(found)


def localstack(folder, url):
    """Return what starts LocalStack at a URL, without Docker, and its variables."""
    python = Path(program("localstack-supervisor")).resolve().with_name("python")
    environ = {
        "GATEWAY_LISTEN": url.partition("://")[2],
        "FILESYSTEM_ROOT": str(folder),
        "SERVICES": "s3,lambda,iam,sts,logs",
        "EAGER_SERVICE_LOADING": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
    }
    main = Path(__file__).with_name("localstack_main.py")
    return [str(python), str(main)], environ


def free_port():
    """Return a port that is free now, for servers that cannot choose one."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@contextlib.contextmanager
def serving(command, url, folder, **environ):
    """
    Run a server until the end of the context, from when it answers.

    Args:
        command: What starts it.

        url: Where it then answers, whatever it says.

        folder: For its log.

        environ: Variables of its own.
    """
    log = Path(folder, "server.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(url, process, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url, process, log):
    until = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, log.read_text()[-_LAST_WORDS:]
            time.sleep(0.2)
        else:
            return
    raise AssertionError(log.read_text()[-_LAST_WORDS:])


def run(command, folder, stdin=subprocess.DEVNULL, statuses=(0,), **environ):
    """Run a command, which must end with a status of these; return its output."""
    done = subprocess.run(
        command,
        env=os.environ | environ,
        cwd=folder,
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in statuses, (command, done.stdout + done.stderr)
    return done.stdout
