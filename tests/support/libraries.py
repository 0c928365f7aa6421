"""What shared libraries need, read by pyelftools from the files of a zip."""

import io
import re
from pathlib import PurePosixPath

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

_MACHINES = {"arm64": "EM_AARCH64", "x86_64": "EM_X86_64"}
# Of every Linux with glibc: PEP 600's manylinux allows wheels to need these.
_EVERYWHERE = re.compile(
    r"(lib(c|m|dl|rt|pthread|resolv|util|z|gcc_s|stdc\+\+))\.so\.\d"
    r"|ld-linux-.*\.so\.\d"
)
_GLIBC = re.compile(r"GLIBC_2\.(\d+)")
_GLIBC_MINOR = 34  # Amazon Linux 2023's


def problems(files, architecture):
    """
    Yield what Lambda would lack to load the libraries of a zip.

    Args:
        files: The zip's, by their names.

        architecture: ``arm64`` or ``x86_64``.
    """
    inside = {PurePosixPath(name).name for name in files}
    for name, content in files.items():
        if not content.startswith(b"\x7fELF"):
            continue
        elf = ELFFile(io.BytesIO(content))
        if elf["e_machine"] != _MACHINES[architecture]:
            yield f"{name} is for {elf['e_machine']}"
        newest = max(_glibc_minors(elf), default=0)
        if newest > _GLIBC_MINOR:
            yield f"{name} needs glibc 2.{newest}"
        for needed in _needed(elf):
            if needed not in inside and not _EVERYWHERE.fullmatch(needed):
                yield f"{name} needs {needed}, which is not in the zip"


def _needed(elf):
    for section in elf.iter_sections():
        if isinstance(section, DynamicSection):
            for tag in section.iter_tags("DT_NEEDED"):
                yield tag.needed


def _glibc_minors(elf):
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, versions in section.iter_versions():
                for version in versions:
                    if found := _GLIBC.match(version.name):
                        yield int(found[1])
