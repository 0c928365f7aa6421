"""The function's code as a zip: the worker and its requirements."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from aws_facts.limits import limit
from rollout.bundle.archive import read, zip_of
from rollout.bundle.lambda_platform import LambdaPlatform
from rollout.bundle.requirements import closure, distribution, here
from rollout.bundle.wheels import fetched
from rollout.errors import BundleError
from rollout.target.runtime_platform import machine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.bundle.archive import Files

PACKAGE = "fetcher"


def build(
    runtime: str,
    architecture: str,
    system: str = "linux",
    *,
    installed: bool = True,
) -> bytes:
    """
    Return a zip of the worker and its requirements.

    For this interpreter on this machine it may be copied from the installed packages,
    without a network. Otherwise wheels are fetched, in the versions and with the hashes
    of requirements.lock. The same versions give the same bytes.

    Args:
        runtime: Lambda's name for the Python, as in ``python3.13``.

        architecture: ``arm64`` or ``x86_64``.

        system: As in `sys.platform`. A Mac's own zip is of no use on Lambda.

        installed: Whether installed packages may be copied. Those compiled here may
            need libraries that Lambda lacks.

    Raises:
        BundleError: If a requirement is missing or cannot be fetched, or the zip is
            larger than Lambda takes.
    """
    if installed and (runtime, architecture, system) == machine():
        names = closure(here())
        required = _installed(names)
    else:
        platform = LambdaPlatform.of(runtime, architecture, system)
        names = closure(platform.environment())
        required = fetched(names, platform)
    files = _package() | required
    zipped = zip_of(files)
    _check_size("zip", len(zipped), limit("zip_bytes").most, names)
    unzipped = sum(map(len, files.values()))
    _check_size("zip, unzipped,", unzipped, limit("unzipped_bytes").most, names)
    return zipped


def _check_size(what: str, size: int, most: int, names: Iterable[str]) -> None:
    if size > most:
        msg = (
            f"The {what} has {size:,} bytes; Lambda takes {most:,}. Remove one of its "
            f"requirements: {', '.join(names)}."
        )
        raise BundleError(msg)


def _package() -> Files:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        msg = f"The package {PACKAGE} is not installed. Run `make setup`."
        raise BundleError(msg)
    (folder,) = map(Path, spec.submodule_search_locations)
    return read(
        (path.relative_to(folder.parent).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file()
    )


def _installed(names: Iterable[str]) -> Files:
    return read(
        (file.as_posix(), Path(str(file.locate())))
        for name in names
        for file in distribution(name).files or ()
    )
