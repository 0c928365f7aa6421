"""The origin as a process of its own: how it starts, ends, and is stopped."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import aiohttp
import pytest
from tests.support.raw_http import LIMIT_S, ask, dial, receive_all
from tests.support.waiting import WAIT_S

from origin import Origin, OriginError, child_process, jpeg

COMMAND = [sys.executable, "-m", "origin"]


def is_refused(url):
    try:
        dial(url).close()
    except ConnectionRefusedError:
        return True
    return False


def test_nothing_is_left_after_the_block(monkeypatch):
    monkeypatch.setattr(child_process, "_STOP_LIMIT_S", WAIT_S)
    with Origin() as origin:
        pass

    assert origin._process.returncode == 0
    assert is_refused(origin.url)


def test_an_origin_that_hangs_is_killed(monkeypatch):
    monkeypatch.setattr(child_process, "_STOP_LIMIT_S", 0.2)
    with Origin() as origin:
        origin._process.send_signal(signal.SIGSTOP)

    assert origin._process.returncode == -signal.SIGKILL


def test_it_outlives_no_parent():
    """A notebook's kernel may be killed at any moment."""
    script = (
        "from origin import Origin\n"
        "with Origin() as origin:\n"
        "    print(origin.url, flush=True)\n"
        "    input()\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        url = parent.stdout.readline().strip()
        with dial(url) as sock:
            parent.kill()

            assert sock.recv(1) == b""  # comes when the origin's process has ended
    assert is_refused(url)


def test_an_interrupt_meant_for_us_leaves_it_alone(origin):
    """Jupyter interrupts a cell by a SIGINT to the kernel's process group."""
    assert os.getpgid(origin._process.pid) != os.getpgrp()


def test_a_taken_port_is_named(origin):
    port = urlsplit(origin.url).port

    with pytest.raises(OriginError, match=f"cannot listen on port {port} .* in use"):
        Origin(port).__enter__()


def test_a_chosen_port_is_kept():
    with Origin() as first:
        port = urlsplit(first.url).port
    with Origin(port) as second:
        assert first.url == second.url


def test_a_process_that_dies_at_once_is_reported(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(OriginError, match=r"does not answer.* ended with 1"):
        Origin().__enter__()


def test_it_can_be_used_in_an_asyncio_program():
    async def download():
        with Origin() as origin:
            url = origin.template(10_000).format(number=1)
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                return await response.read()

    assert asyncio.run(download()) == jpeg(10_000)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_is_and_ends_when_told(number):
    with subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, stdout=-1) as command:
        url = json.loads(command.stdout.readline())["origin_url"]
        with dial(url) as sock:
            ask(sock, "/1000/1.jpg", version="1.0")

            assert receive_all(sock).endswith(jpeg(1_000))
        command.send_signal(number)

        assert command.stdout.read() == b""
    assert command.returncode == 0


def test_the_command_ends_with_its_stdin_if_asked():
    arguments = [*COMMAND, "--until-stdin-closes"]
    with subprocess.Popen(arguments, stdin=-1, stdout=-1) as command:
        command.stdout.readline()
        command.stdin.write(b"anything")
        command.stdin.close()

        assert command.wait(LIMIT_S) == 0


def test_the_command_names_a_port_it_cannot_have():
    done = subprocess.run(
        [*COMMAND, "--port", "70000"],
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot listen on port 70000" in done.stderr
