"""What the worker requires, on this machine or on Lambda, and in which versions."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rollout.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Environment = dict[str, str]  # what requirements' markers are held against

DISTRIBUTION = "million-downloads"
LOCK = Path(__file__).parents[3] / "requirements.lock"


class _Required(NamedTuple):
    """A distribution by its normalized name, and which extras of it."""

    name: str
    extras: frozenset[str]


def here() -> Environment:
    """Return what markers see in this interpreter."""
    return {name: str(value) for name, value in default_environment().items()}


def closure(environment: Environment) -> list[str]:
    """
    Return the names of all that the worker requires there, sorted.

    Raises:
        BundleError: If something of it is not installed here.
    """
    found: set[_Required] = set()
    waiting = [_Required(DISTRIBUTION, frozenset())]
    while waiting:
        name, extras = waiting.pop()
        for line in distribution(name).requires or ():
            wanted = Requirement(line)
            key = _Required(canonicalize_name(wanted.name), frozenset(wanted.extras))
            if key not in found and _applies(wanted, environment, extras):
                found.add(key)
                waiting.append(key)
    return sorted({required.name for required in found})


def distribution(name: str) -> metadata.Distribution:
    """
    Return what is installed under this name.

    Raises:
        BundleError: If nothing is.
    """
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError as error:
        msg = (
            f"The worker requires {name}, which is not installed here, so what it "
            "requires in turn is unknown. Run `make setup`."
        )
        raise BundleError(msg) from error


def locked(names: Iterable[str], environment: Environment) -> Iterator[str]:
    """
    Yield the lines of requirements.lock for these names.

    pip would hold the markers against this interpreter instead of Lambda's, so they
    are evaluated here and left out.

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
    wanted: Requirement, environment: Environment, extras: Iterable[str] = ()
) -> bool:
    marker = wanted.marker
    return marker is None or any(
        marker.evaluate(environment | {"extra": extra}) for extra in ("", *extras)
    )


def _entries() -> list[str]:
    """Return the lock's requirements, each with its lines of hashes."""
    if not LOCK.is_file():
        msg = (
            f"There is no {LOCK}, and a zip for another machine is made of its "
            "versions. Run from a clone of the repository."
        )
        raise BundleError(msg)
    entries: list[str] = []
    for line in LOCK.read_text("utf-8").splitlines(keepends=True):
        if line.startswith((" ", "\t")) and entries:
            entries[-1] += line
        elif line.strip() and not line.startswith(("#", "-")):
            entries.append(line)
    return entries
