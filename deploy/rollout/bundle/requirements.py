"""The worker's requirements, on this machine or Lambda, in locked versions."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rollout.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Environment = dict[str, str]  # of requirements' markers

DISTRIBUTION = "million-downloads"
LOCK = Path(__file__).parents[3] / "requirements.lock"


def here() -> Environment:
    """Return the environment that markers see in this interpreter."""
    return {name: str(value) for name, value in default_environment().items()}


def closure(environment: Environment) -> list[str]:
    """
    Return the sorted names of the worker's requirements, direct and indirect.

    Raises:
        BundleError: If one is not installed here.
    """
    found: set[tuple[str, frozenset[str]]] = set()  # names, and extras of them
    waiting = [(DISTRIBUTION, frozenset[str]())]
    while waiting:
        name, extras = waiting.pop()
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            required = name, frozenset(requirement.extras)
            if required not in found and _applies(requirement, environment, extras):
                found.add(required)
                waiting.append(required)
    return sorted({name for name, _ in found})


def distribution(name: str) -> metadata.Distribution:
    """
    Return an installed distribution.

    Raises:
        BundleError: If it is not installed.
    """
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError as error:
        msg = (
            f"The worker requires {name}, which is not installed here, so its own "
            "requirements are unknown. Run `make setup`."
        )
        raise BundleError(msg) from error


def locked(names: Iterable[str], environment: Environment) -> Iterator[str]:
    """
    Yield the lines of requirements.lock for these names, without their markers.

    pip would evaluate markers for this interpreter instead of Lambda's.

    Raises:
        BundleError: If there is no lock, or a name is not in it.
    """
    pinned: dict[str, str] = {}
    for entry in _entries():
        first, *hashes = entry.split(" \\\n")
        requirement = Requirement(first)
        if _applies(requirement, environment):
            version = f"{requirement.name}{requirement.specifier}"
            pinned[canonicalize_name(requirement.name)] = " \\\n".join(
                [version, *hashes]
            )
    for name in names:
        if name not in pinned:
            msg = f"The worker requires {name}, but {LOCK} has no version of it."
            raise BundleError(msg)
        yield pinned[name]


def _applies(
    requirement: Requirement, environment: Environment, extras: Iterable[str] = ()
) -> bool:
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate(environment | {"extra": extra}) for extra in ("", *extras)
    )


def _entries() -> list[str]:
    """Return the entries of the lock, each with its lines of hashes."""
    if not LOCK.is_file():
        msg = (
            f"There is no {LOCK}, whose versions a zip for another machine needs. Run "
            "from a clone of the repository."
        )
        raise BundleError(msg)
    entries = re.split(r"\n(?!\s)", LOCK.read_text("utf-8").strip())
    return [entry for entry in entries if not entry.startswith(("#", "-"))]
