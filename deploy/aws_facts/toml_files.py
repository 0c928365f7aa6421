"""The files of this package, each read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def read(name: str) -> dict[str, dict[str, Any]]:
    """Return what a file holds."""
    return tomllib.loads(files("aws_facts").joinpath(name).read_text("utf-8"))
