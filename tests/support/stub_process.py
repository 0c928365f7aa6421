"""A server that stands in for Lambda as a process of its own, and what it was asked."""

import asyncio
import contextlib
import json
import urllib.request
from pathlib import Path

from tests.support.child_processes import started

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def running(module, *options):
    """Run a module that calls `serve`; its address has no path."""
    # In a folder where it finds `tests`.
    with started("-m", module, *options, cwd=ROOT) as (_, line):
        yield f"http://127.0.0.1:{int(line)}"


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
