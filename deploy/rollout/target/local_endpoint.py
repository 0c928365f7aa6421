"""A local endpoint as a child process that never outlives its parent."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from local_aws.endpoint_error import EndpointError
from local_aws.exit_reason import ended
from local_aws.local_lambda.requests.access_keys import KeyPair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READY_WITHIN_S = 60.0
_STOPPED_WITHIN_S = 20.0  # it waits up to 10 s for functions, 5 for moto, 2 for files
_KNOWN_WITHIN_S = 1.0  # its output ends before its process does
_LAST_WORDS_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class LocalEndpoint:
    """
    A running endpoint, started by this process.

    Attributes:
        endpoint_url: For `rollout.target.connection.connect` and for boto3.

        origin_url: The origin of the files to download; empty without one.

        keys: The pair to sign requests with.

        check: Raises `EndpointError` with the endpoint's last output if it has ended by
            itself. Takes the seconds to wait for that.
    """

    endpoint_url: str
    origin_url: str
    keys: KeyPair
    check: Callable[[float], None] = field(repr=False, compare=False)


@contextmanager
def local_endpoint(*, origin: bool = True) -> Iterator[LocalEndpoint]:
    """
    Run a local endpoint for as long as the context lasts.

    It stops when its standard input closes, a pipe from this process, so it ends with
    this process even if that is killed.

    Args:
        origin: Also serve files to download.

    Raises:
        EndpointError: If it does not start, or ended by itself meanwhile.
    """
    # -P: no module in the working directory shadows ours.
    command = [sys.executable, "-P", "-m", "rollout", "serve", "--until-stdin-closes"]
    if origin:
        command.append("--origin")
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            # Ctrl-C, and a notebook's "interrupt", are for the parent only.
            start_new_session=True,
        ) as child,
    ):
        try:
            endpoint = _ready(child, words)
            try:
                yield endpoint
            except Exception:
                endpoint.check(0.0)  # it may be why
                raise
            endpoint.check(0.0)
        finally:
            _stop(child)


def _ready(child: subprocess.Popen[bytes], words: IO[bytes]) -> LocalEndpoint:
    def check(within_s: float) -> None:
        if ended(child, within_s):
            raise EndpointError(_ended("ended by itself", child, words))

    assert child.stdout
    readable, _, _ = select.select([child.stdout], [], [], _READY_WITHIN_S)
    line = child.stdout.readline() if readable else b""
    if not line:
        slow = f"was not ready within {_READY_WITHIN_S:.0f} s"
        what = "ended at its start" if readable else slow
        raise EndpointError(_ended(what, child, words))
    fields = json.loads(line)
    return LocalEndpoint(
        fields["endpoint_url"],
        fields["origin_url"],
        KeyPair(fields["access_key_id"], fields["secret_access_key"]),
        check,
    )


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(_STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()


def _ended(what: str, child: subprocess.Popen[bytes], words: IO[bytes]) -> str:
    size = os.fstat(words.fileno()).st_size  # its position is the child's, too
    output = os.pread(words.fileno(), size, max(0, size - _LAST_WORDS_BYTES))
    last_words = output.decode("utf-8", "replace").strip().rstrip(".") or "nothing"
    how = ended(child, _KNOWN_WITHIN_S)
    return (
        f"The local endpoint {what}{how and f' ({how})'}. Its last words: "
        f"{last_words}. `rollout serve` starts one in the foreground."
    )
