"""A server that stands in for Lambda as a process of its own, and what it was asked."""

import asyncio
import contextlib
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def running(module, *options):
    """Run a module that calls `serve`; its address has no path."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *options],
        cwd=ROOT,  # where it finds `tests`
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def what_came(url):
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


async def serve(protocol):
    """Serve for ever, and print the port; `protocol` makes one for each caller."""
    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, backlog=4_096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def content_length(head):
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0
