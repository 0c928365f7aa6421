"""
The process of moto's server: S3, IAM, STS and CloudWatch Logs.

moto checks no signatures, so it listens on a UNIX socket in the endpoint's own folder.
Requests pass through `authentication` first.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp

from local_aws.endpoint_error import EndpointError
from local_aws.moto_client import Moto

SOCKET = "moto.sock"

_PATH_BYTES = 107  # unix(7)
_START_S = 60
_STOP_S = 5


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Moto]:
    """
    Run moto's server until the end of the context.

    Args:
        folder: Its working directory, with its socket; private to this user.

    Raises:
        EndpointError: If it does not start.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "local_aws.moto_main", SOCKET),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=folder,
        start_new_session=True,  # Ctrl-C is for us; we end it
    )
    try:
        account = await _hear_ready(process)
        with _address(folder) as address:
            async with aiohttp.ClientSession(
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
                connector=aiohttp.UnixConnector(address, limit=0, force_close=True),
            ) as session:
                yield Moto(session, process, account)
    finally:
        await _end(process)


async def _hear_ready(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Wait until it serves; return who the account itself is."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
    except TimeoutError:
        msg = (
            f"moto's server was not ready within {_START_S} s. Start the endpoint "
            "again once this machine is less busy."
        )
        raise EndpointError(msg) from None
    if not line:
        msg = "moto's server ended at its start; see its own message above."
        raise EndpointError(msg)
    return dict(json.loads(line))


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


@contextlib.contextmanager
def _address(folder: Path) -> Iterator[str]:
    """Yield a path of the socket that is short enough for one."""
    path = folder / SOCKET
    if len(os.fsencode(path)) <= _PATH_BYTES or sys.platform != "linux":
        yield str(path)
        return
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
