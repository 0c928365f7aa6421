"""Wheels for Lambda's Python: fetched as locked, checked, cached."""

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

# A grid deploys for every setting. The cache goes with the environment.
CACHE = Path(sys.prefix, "var", "lambda-wheels")


def fetched(names: Iterable[str], platform: LambdaPlatform) -> Files:
    """
    Return the files of these distributions as installed there.

    Raises:
        BundleError: If wheels cannot be fetched, or imported there.
    """
    requirements = "\n".join(locked(names, platform.environment()))
    digest = hashlib.sha256(f"{platform}\n{requirements}".encode()).hexdigest()
    cached = CACHE / f"{digest}.zip"
    with suppress(OSError, BadZipFile):
        return files_in(cached.read_bytes())
    files = _installed_aside(requirements, platform)
    platform.check(files)
    with suppress(OSError):  # not our environment: fetched every time
        _write(cached, zip_of(files))
    return files


def _write(path: Path, zipped: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as aside:
        aside.write(zipped)
    os.replace(aside.name, path)  # noqa: PTH105 - it has a name, not a path


def _installed_aside(requirements: str, platform: LambdaPlatform) -> Files:
    with tempfile.TemporaryDirectory(prefix="rollout-bundle-") as scratch:
        lines = Path(scratch, "requirements.txt")
        lines.write_text(requirements)
        folder = Path(scratch, "packages")
        _pip_install(lines, folder, platform)
        return read(
            (path.relative_to(folder).as_posix(), path)
            for path in folder.rglob("*")
            if path.is_file() and path.relative_to(folder).parts[0] != "bin"
        )


def _pip_install(requirements: Path, folder: Path, platform: LambdaPlatform) -> None:
    command = [sys.executable, "-P", "-m", "pip", "install", "--quiet", "--no-input"]
    command += ["--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes"]
    command += ["--disable-pip-version-check", "--implementation=cp"]
    command += [f"--python-version={platform.version}"]
    command += [f"--platform={one}" for one in platform.platforms]
    command += [f"--target={folder}", f"--requirement={requirements}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = (
            f"The wheels for {platform} could not be fetched. pip says: "
            f"{done.stderr.strip()} pip needs a package index: try again with a "
            "network, or set PIP_INDEX_URL to one of yours."
        )
        raise BundleError(msg)
