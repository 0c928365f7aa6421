"""A deployment package: checked as Lambda checks it, unpacked for a process to run."""

import asyncio
import base64
import errno
import hashlib
import io
import os
import shutil
import stat
import time
import uuid
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aws_facts.limits import limit
from local_aws.local_lambda import errors

# Failures for which the zip is to blame; None is bad data. Others are this machine's.
_BY_THE_ZIP = {
    *(None, errno.EEXIST, errno.EINVAL, errno.EISDIR, errno.ENAMETOOLONG),
    *(errno.ENOENT, errno.ENOTDIR),
}

# What zipfile raises; of an encrypted member, RuntimeError.
_BY_ZIPFILE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)

# Where each zip was unpacked last, by its digest. A worker's takes a second to compile.
_UNPACKED: dict[str, Path] = {}


@dataclass(frozen=True, slots=True)
class Package:
    """
    Code on disk.

    Attributes:
        folder: Holds the zip as uploaded and its unpacked content.

        size: Bytes of the zip.

        sha256: Digest of the zip as Lambda shows it, base64.

        unpacked_bytes: Size of its content.
    """

    folder: Path
    size: int
    sha256: str
    unpacked_bytes: int

    @property
    def zip_file(self) -> Path:
        """The zip as uploaded."""
        return self.folder / "code.zip"

    @property
    def task_root(self) -> Path:
        """The unpacked zip: what is /var/task on AWS."""
        return self.folder / "task"


def unpacked_bytes(packages: Iterable[Package]) -> int:
    """Return how much of Lambda's limit they fill together."""
    return sum(package.unpacked_bytes for package in packages)


async def store(
    content: bytes, folder: Path, layers: Iterable[Package] = ()
) -> Package:
    """
    Keep a zip and its content in a new folder below ``folder``.

    Layers leave that much less room, as in aws/chalice 2081.

    Raises:
        LambdaError: If Lambda would refuse it.

        OSError: If the disk is full, or too many files are open.
    """
    target = folder / f"code-{uuid.uuid4().hex[:8]}"
    room = limit("unzipped_bytes").most - unpacked_bytes(layers)
    try:
        return await asyncio.to_thread(_unpack, content, target, room)
    except Exception:
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        raise


def _unpack(content: bytes, folder: Path, room: int) -> Package:
    """Store and unpack a zip in a new folder, if there is room for so many bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = _checked_size(archive, room)
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            package = Package(folder, len(content), digest, unpacked)
            package.task_root.mkdir(parents=True)
            package.zip_file.write_bytes(content)
            links = {}  # by path: of two members of one name, the second counts
            for item in archive.infolist():
                path, is_link = _extract(archive, item, package.task_root)
                links[path] = is_link
            for path, is_link in links.items():
                if is_link:  # last, so that nothing is written through them
                    _make_link(path)
        if earlier := _UNPACKED.get(package.sha256):
            _take_compiled(earlier, package.task_root)
        _UNPACKED[package.sha256] = package.task_root
    except (*_BY_ZIPFILE, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _BY_THE_ZIP:
            raise
        text = (
            "Could not unzip uploaded file. Please check your file, then try to upload "
            "again."
        )
        raise errors.invalid_parameter(text) from error
    return package


def _checked_size(archive: zipfile.ZipFile, room: int) -> int:
    if not archive.namelist():
        text = "Uploaded file must be a non-empty zip"
        raise errors.invalid_parameter(text)
    unpacked = sum(item.file_size for item in archive.infolist())
    if unpacked > room:
        text = f"Unzipped size must be smaller than {room} bytes"
        raise errors.invalid_parameter(text)
    return unpacked


def _extract(
    archive: zipfile.ZipFile, item: zipfile.ZipInfo, target: Path
) -> tuple[Path, bool]:
    """Write a member; return its path, and whether it holds a link's target."""
    unpacked = Path(archive.extract(item, target))
    mode = item.external_attr >> 16
    if stat.S_ISLNK(mode):
        return unpacked, True
    # zipfile forgets permissions; programs in the package must stay executable.
    permissions = mode & 0o777
    if permissions and not item.is_dir():
        unpacked.chmod(permissions | 0o600)
    # The zip's time, as unzip does: Python checks compiled modules against it.
    modified = time.mktime((*item.date_time, 0, 0, -1))
    os.utime(unpacked, (modified, modified))
    return unpacked, False


def _make_link(path: Path) -> None:
    """Replace a file by the link it describes, wherever that leads, as unzip does."""
    target = os.fsdecode(path.read_bytes())
    path.unlink()
    path.symlink_to(target)


def _take_compiled(earlier: Path, root: Path) -> None:
    """Link what Python compiled of the same zip, if that is still there."""
    with suppress(OSError):  # it is deleted meanwhile
        for folder in earlier.rglob("__pycache__"):
            own = root / folder.relative_to(earlier)
            own.mkdir()
            for compiled in folder.iterdir():
                os.link(compiled, own / compiled.name)
