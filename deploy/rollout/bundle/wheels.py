"""Wheels for Lambda's Python: fetched as locked, checked, kept for the next time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from rollout.bundle.archive import files_in, read, zip_of
from rollout.bundle.requirements import locked
from rollout.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.bundle.archive import Files
    from rollout.bundle.lambda_platform import LambdaPlatform

# A grid deploys for every setting; what is here goes with the environment.
KEPT = Path(sys.prefix, "var", "lambda-wheels")


def fetched(names: Iterable[str], platform: LambdaPlatform) -> Files:
    """
    Return what these distributions consist of there, as they would be installed.

    Raises:
        BundleError: If wheels cannot be fetched, or are of no use there.
    """
    requirements = "".join(locked(names, platform.environment()))
    digest = hashlib.sha256(f"{platform}\n{requirements}".encode()).hexdigest()
    kept = KEPT / f"{digest}.zip"
    with suppress(OSError, BadZipFile):
        return files_in(kept.read_bytes())
    files = _installed_aside(requirements, platform)
    platform.check(files)
    with suppress(OSError):  # an environment of somebody else's: fetched every time
        _keep(kept, zip_of(files))
    return files


def _keep(path: Path, zipped: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as aside:
        aside.write(zipped)
    os.replace(aside.name, path)  # noqa: PTH105 - the name is all there is


def _installed_aside(requirements: str, platform: LambdaPlatform) -> Files:
    with tempfile.TemporaryDirectory(prefix="rollout-bundle-") as scratch:
        wanted = Path(scratch, "requirements.txt")
        wanted.write_text(requirements)
        folder = Path(scratch, "packages")
        _pip_install(wanted, folder, platform)
        return read(
            (path.relative_to(folder).as_posix(), path)
            for path in folder.rglob("*")
            if path.is_file() and path.relative_to(folder).parts[0] != "bin"
        )


def _pip_install(wanted: Path, folder: Path, platform: LambdaPlatform) -> None:
    command = [sys.executable, "-P", "-m", "pip", "install", "--quiet", "--no-input"]
    command += ["--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes"]
    command += ["--disable-pip-version-check", "--implementation=cp"]
    command += [f"--python-version={platform.version}"]
    command += [f"--platform={one}" for one in platform.platforms]
    command += [f"--target={folder}", f"--requirement={wanted}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = (
            f"The wheels for {platform} could not be fetched. pip says: "
            f"{done.stderr.strip()} A package index must be in reach: try again with "
            "a network, or set PIP_INDEX_URL to one of yours."
        )
        raise BundleError(msg)
