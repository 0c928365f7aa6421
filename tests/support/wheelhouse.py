"""Wheels for Lambda's Python, made of what is installed here, for pip to find."""

import hashlib
import io
import zipfile
from functools import cache
from pathlib import PurePosixPath

from rollout.bundle import lambda_platform, requirements, wheels
from rollout.bundle.lambda_platform import LambdaPlatform
from rollout.bundle.requirements import closure, distribution
from rollout.target import connection

ARM = LambdaPlatform("python3.13", "arm64")
PURE = "py3-none-any"
BUILT = "cp313-cp313-manylinux_2_28_aarch64"
# As much of a shared library as says whose it is; nothing here runs on such a machine.
LIBRARY = b"\x7fELF" + bytes([2, 1, 1]) + bytes(11) + b"\xb7\x00" + bytes(44)


def offer(monkeypatch, folder, tag=BUILT, library=LIBRARY):
    """
    Have pip find wheels of all the worker requires in a folder, and nothing elsewhere.

    They are for `ARM`, and their libraries are empty.

    Returns the folder where what was fetched is kept.
    """
    return _offer(monkeypatch, folder, _made(ARM, BUILT, tag, library))


def offer_for_this_machine(monkeypatch, folder):
    """
    Let Lambda have this machine and this Python, and pip find wheels for these.

    What the target `aws` deploys then runs in the local Lambda. The wheels hold no
    modules: executions find these beside the interpreter.
    """
    here = connection.machine()._replace(system="linux")
    monkeypatch.setattr(connection, "LAMBDA", here)
    monkeypatch.setattr(lambda_platform, "_FIRST_MINOR", 0)
    platform = LambdaPlatform(here.runtime, here.architecture)
    version = f"cp{platform.version.replace('.', '')}"
    tag = f"{version}-{version}-{platform.platforms[0]}"
    return _offer(monkeypatch, folder, _made(platform, tag, tag, None, whole=False))


def _offer(monkeypatch, folder, made):
    lines = []
    for name, version, file_name, wheel in made:
        (folder / file_name).write_bytes(wheel)
        digest = hashlib.sha256(wheel).hexdigest()
        lines.append(f"{name}=={version} \\\n    --hash=sha256:{digest}\n")
    lock = folder / "requirements.lock"
    lock.write_text("".join(lines))
    monkeypatch.setattr(requirements, "LOCK", lock)
    monkeypatch.setattr(wheels, "CACHE", folder / "kept")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder / "kept"


@cache
def _made(platform, called, tag, library, *, whole=True):
    made = []
    for name in closure(platform.environment()):
        found = distribution(name)
        wheel = _wheel(found, tag, library, whole=whole)
        built = PURE if b"Root-Is-Purelib: true" in wheel else called
        file_name = f"{name.replace('-', '_')}-{found.version}-{built}.whl"
        made.append((name, found.version, file_name, wheel))
    return made


def _wheel(found, tag, library, *, whole):
    """Pack what is installed; libraries are replaced by another if one is given."""
    buffer, names = io.BytesIO(), []
    files = {file.as_posix(): file.locate() for file in found.files}
    info = next(
        PurePosixPath(name).parent for name in files if name.endswith("/METADATA")
    )
    is_pure = not any(_is_library(name) for name in files)
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, path in files.items():
            if ".." in name or name.endswith((".pyc", "/RECORD", "/WHEEL")):
                continue
            if not whole and not name.startswith(f"{info}/"):
                continue
            is_replaced = library and _is_library(name)
            names.append(_on_arm(name) if is_replaced else name)
            archive.writestr(names[-1], library if is_replaced else path.read_bytes())
        archive.writestr(
            f"{info}/WHEEL",
            f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(is_pure).lower()}\n"
            f"Tag: {PURE if is_pure else tag}\n",
        )
        names += [f"{info}/WHEEL", f"{info}/RECORD"]
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
    return buffer.getvalue()


def _is_library(name):
    return ".so" in name or name.endswith(".dylib")


def _on_arm(name):
    before, is_extension, _ = name.partition(".cpython-")
    return f"{before}.cpython-313-aarch64-linux-gnu.so" if is_extension else name
