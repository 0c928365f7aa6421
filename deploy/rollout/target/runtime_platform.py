"""The machines that functions run on: Lambda's, and this one."""

from __future__ import annotations

import platform
import sys
from typing import NamedTuple

ARCHITECTURES = ("arm64", "x86_64")  # the first is cheaper, so the default

_ARCHITECTURES = {"aarch64": "arm64", "amd64": "x86_64"}


class Machine(NamedTuple):
    """
    A Python on a processor and an operating system.

    Attributes:
        runtime: Lambda's name for the Python, as in ``python3.13``.
    """

    runtime: str
    architecture: str
    system: str


def machine() -> Machine:
    """Return this interpreter and this machine, in Lambda's terms."""
    processor = platform.machine().lower()
    return Machine(
        runtime=f"python3.{sys.version_info.minor}",
        architecture=_ARCHITECTURES.get(processor, processor),
        system=sys.platform,
    )


LAMBDA = Machine("python3.13", ARCHITECTURES[0], "linux")
