"""Lambda's Python on its own machine, and the files it can import."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

from rollout.bundle.requirements import here
from rollout.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.bundle.archive import Files
    from rollout.bundle.requirements import Environment

_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Runtimes from python3.12 on use Amazon Linux 2023, with glibc 2.34.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_FIRST_MINOR = 12
_GLIBC_MINOR = 34
_MANYLINUX = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")

# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_ELF, _64_BIT, _MACHINE_AT = b"\x7fELF", 2, slice(18, 20)
_MACHINE_CODES = {"aarch64": b"\xb7\x00", "x86_64": b"\x3e\x00"}
_SHOWN = 3  # problems in a message
_NEEDED_GLIBC = re.compile(rb"GLIBC_2\.(\d+)")


class LambdaPlatform(NamedTuple):
    """A runtime on an architecture."""

    runtime: str
    architecture: str

    @classmethod
    def of(cls, runtime: str, architecture: str, system: str) -> LambdaPlatform:
        """
        Return the platform of these names.

        Raises:
            BundleError: If Lambda has no such platform.
        """
        minor = runtime.removeprefix("python3.")
        is_known = minor.isdecimal() and int(minor) >= _FIRST_MINOR
        if not is_known or architecture not in _MACHINES or system != "linux":
            msg = (
                f"No zip can be built for {runtime} on {architecture} {system}. The "
                f"runtime must be python3.{_FIRST_MINOR} or later, the architecture "
                f"one of {', '.join(_MACHINES)}, the system linux."
            )
            raise BundleError(msg)
        return cls(runtime, architecture)

    def __str__(self) -> str:
        return f"{self.runtime} on {self.architecture}"

    @property
    def version(self) -> str:
        """Version of the Python, as in ``3.13``."""
        return self.runtime.removeprefix("python")

    @property
    def platforms(self) -> list[str]:
        """Platforms of wheels that run there, best first."""
        return [f"{one}_{self._machine}" for one in _MANYLINUX]

    def environment(self) -> Environment:
        """Return the environment that requirements' markers see there."""
        return here() | {
            "os_name": "posix",
            "platform_machine": self._machine,
            "platform_system": "Linux",
            "python_full_version": f"{self.version}.0",
            "python_version": self.version,
            "sys_platform": "linux",
        }

    def check(self, files: Files) -> None:
        """
        Check that Lambda can import all of the files.

        Raises:
            BundleError: With those that it cannot.
        """
        if found := sorted(self._problems(files)):
            more = f"; and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
            msg = f"Files of no use to {self}: {'; '.join(found[:_SHOWN])}{more}."
            raise BundleError(msg)

    def _problems(self, files: Files) -> Iterator[str]:
        tags, endings = set(self._tags()), self._endings()
        for name, data in files.items():
            path = PurePosixPath(name)
            if path.parent.suffix == ".dist-info" and path.name == "WHEEL":
                built_for = _tags_in(data)
                if built_for.isdisjoint(tags):
                    yield f"{path.parent.stem}, built for {_joined(built_for)}"
            elif data.startswith(_ELF):
                if reason := self._objection_to(data):
                    yield f"{name}, which {reason}"
                elif ".cpython-" in path.name and not path.name.endswith(endings):
                    yield f"{name}, for another Python"

    def _objection_to(self, library: bytes) -> str:
        code = _MACHINE_CODES[self._machine]
        if library[len(_ELF)] != _64_BIT or library[_MACHINE_AT] != code:
            return "is for another machine"
        needed = max(map(int, _NEEDED_GLIBC.findall(library)), default=0)
        return f"needs glibc 2.{needed}" if needed > _GLIBC_MINOR else ""

    def _tags(self) -> Iterator[Tag]:
        version = tuple(map(int, self.version.split(".")))
        yield from cpython_tags(version, platforms=self.platforms)
        yield from compatible_tags(version, platforms=self.platforms)

    def _endings(self) -> tuple[str, ...]:
        short = self.version.replace(".", "")
        return (f".cpython-{short}-{self._machine}-linux-gnu.so",)

    @property
    def _machine(self) -> str:
        return _MACHINES[self.architecture]


def _tags_in(wheel: bytes) -> set[Tag]:
    lines = wheel.decode("utf-8", "replace").splitlines()
    named = [line.removeprefix("Tag:").strip() for line in lines if line[:4] == "Tag:"]
    return {tag for text in named for tag in parse_tag(text)}


def _joined(tags: set[Tag]) -> str:
    return ", ".join(sorted(map(str, tags))) or "nothing"
