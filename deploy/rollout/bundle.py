"""The function's code as a zip: the same bytes every time."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rollout.errors import BundleError
from rollout.limits import limit
from rollout.target import machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Files = dict[str, bytes]  # by their names inside the zip
Environment = dict[str, str]  # what requirements' markers are held against


class Required(NamedTuple):
    """A distribution by its normalized name, and which extras of it."""

    name: str
    extras: frozenset[str]


DISTRIBUTION = "million-downloads"
PACKAGE = "fetcher"
LOCK = Path(__file__).parents[2] / "requirements.lock"

_NOT_RUN = frozenset({".pyc", ".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".hash"})
_NOT_ENTERED = frozenset({"__pycache__", "tests", "test"})
# Which tool installed it, when, and from where is no part of what it does.
_OF_THE_INSTALLATION = frozenset(
    {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
)
_OLDEST_DATE = (1980, 1, 1, 0, 0, 0)  # the first a zip can hold
_PLAIN_FILE = 0o100_644 << 16
_UNIX = 3

_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Runtimes from python3.12 on are Amazon Linux 2023, with glibc 2.34.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_FIRST_MINOR = 12
_PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")


def build(runtime: str, architecture: str, system: str = "linux") -> bytes:
    """
    Return a zip of the worker and what it requires.

    For this interpreter on this machine it is copied from what is installed, without
    a network. For anything else wheels are fetched: the versions and the hashes are
    those of requirements.lock.

    Args:
        runtime: Lambda's name for the Python, as in ``python3.13``.

        architecture: ``arm64`` or ``x86_64``.

        system: As in `sys.platform`. A Mac's own zip is of no use on Lambda.

    Returns:
        The zip. The same versions give the same bytes.

    Raises:
        BundleError: If something required is missing or cannot be fetched, or the
            zip is larger than Lambda takes.
    """
    if (runtime, architecture, system) == machine():
        names = _closure(_environment())
        required = _installed(names)
    else:
        _check_platform(runtime, architecture, system)
        environment = _lambda_environment(runtime, architecture)
        names = _closure(environment)
        required = _fetched(names, environment, runtime, architecture)
    zipped = _zip(_package() | required)
    most = limit("zip_bytes").most
    if len(zipped) > most:
        msg = (
            f"The zip has {len(zipped):,} bytes; Lambda takes {most:,} with a call. "
            f"It holds {', '.join(names)}: which of them can go?"
        )
        raise BundleError(msg)
    return zipped


def _check_platform(runtime: str, architecture: str, system: str) -> None:
    minor = runtime.removeprefix("python3.")
    is_known = minor.isdecimal() and int(minor) >= _FIRST_MINOR
    if not is_known or architecture not in _MACHINES or system != "linux":
        msg = (
            f"There is no zip for {runtime} on {architecture} {system}. The runtime "
            f"must be python3.{_FIRST_MINOR} or later, the architecture one of "
            f"{', '.join(_MACHINES)}, the system linux."
        )
        raise BundleError(msg)


def _lambda_environment(runtime: str, architecture: str) -> Environment:
    """Return what environment markers see on Lambda."""
    version = runtime.removeprefix("python")
    return _environment() | {
        "os_name": "posix",
        "platform_machine": _MACHINES[architecture],
        "platform_system": "Linux",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }


def _environment() -> Environment:
    return {name: str(value) for name, value in default_environment().items()}


def _closure(environment: Environment) -> list[str]:
    """Return the names of all that the worker requires there, sorted."""
    found: set[Required] = set()
    waiting = [Required(DISTRIBUTION, frozenset())]
    while waiting:
        name, extras = waiting.pop()
        for line in _distribution(name).requires or ():
            wanted = Requirement(line)
            key = Required(canonicalize_name(wanted.name), frozenset(wanted.extras))
            if key not in found and _applies(wanted, environment, extras):
                found.add(key)
                waiting.append(key)
    return sorted({required.name for required in found})


def _applies(
    wanted: Requirement, environment: Environment, extras: Iterable[str] = ()
) -> bool:
    marker = wanted.marker
    return marker is None or any(
        marker.evaluate(environment | {"extra": extra}) for extra in ("", *extras)
    )


def _distribution(name: str) -> metadata.Distribution:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError as error:
        msg = (
            f"The worker requires {name}, which is not installed here, so what it "
            "requires in turn is unknown. Run `make setup`."
        )
        raise BundleError(msg) from error


def _package() -> Files:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        msg = f"The package {PACKAGE} is not installed. Run `make setup`."
        raise BundleError(msg)
    (folder,) = map(Path, spec.submodule_search_locations)
    return _read(
        (path.relative_to(folder.parent).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file()
    )


def _installed(names: Iterable[str]) -> Files:
    return _read(
        (file.as_posix(), Path(str(file.locate())))
        for name in names
        for file in _distribution(name).files or ()
    )


def _read(paths: Iterable[tuple[str, Path]]) -> Files:
    return {name: path.read_bytes() for name, path in paths if _is_wanted(name)}


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    return not (
        ".." in path.parts  # a command, outside of site-packages
        or path.suffix in _NOT_RUN
        or path.name in _OF_THE_INSTALLATION
        or _NOT_ENTERED.intersection(path.parts)
    )


def _zip(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _OLDEST_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = _PLAIN_FILE
            # Higher levels take twice as long for a zip a tenth smaller.
            archive.writestr(entry, data, compresslevel=1)
    return buffer.getvalue()


def _fetched(
    names: Iterable[str], environment: Environment, runtime: str, architecture: str
) -> Files:
    with tempfile.TemporaryDirectory(prefix="rollout-bundle-") as scratch:
        wanted = Path(scratch, "requirements.txt")
        wanted.write_text("".join(_locked(names, environment)))
        folder = Path(scratch, "packages")
        _pip_install(wanted, folder, runtime, architecture)
        return _read(
            (path.relative_to(folder).as_posix(), path)
            for path in folder.rglob("*")
            if path.is_file() and path.relative_to(folder).parts[0] != "bin"
        )


def _pip_install(wanted: Path, folder: Path, runtime: str, architecture: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input"]
    command += ["--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes"]
    command += ["--disable-pip-version-check", "--implementation=cp"]
    command += [f"--python-version={runtime.removeprefix('python')}"]
    command += [f"--platform={one}_{_MACHINES[architecture]}" for one in _PLATFORMS]
    command += [f"--target={folder}", f"--requirement={wanted}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = (
            f"The wheels for {runtime} on {architecture} could not be fetched. pip "
            f"says: {done.stderr.strip()} A package index must be in reach: try again "
            "with a network, or set PIP_INDEX_URL to one of yours."
        )
        raise BundleError(msg)


def _locked(names: Iterable[str], environment: Environment) -> Iterator[str]:
    """
    Yield the lines of requirements.lock for these names.

    pip would hold the markers against this interpreter instead of Lambda's, so they
    are evaluated here and left out.
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
