"""
`make test-bare`: `make run` and tests as a newcomer, on a machine with next to nothing.

What is at HEAD is unpacked into a new folder, as `git clone` would, and there run

* by a user without privileges, where root runs this; else by whoever does
* with Python, make and `_PROGRAMS` on PATH: no git, nothing that is optional
* in an empty environment and an empty home, with a time zone and a locale few have
* with tests in random order
* by each Python of 3.11 to 3.13 that this machine has; those between the oldest and the
  newest do `make run` only, so that with `make test` it is done in 25 minutes

Only `make setup` is told how packages are to be had on this machine: `_FOR_INSTALLS`
and the user's pip.conf. What follows must work without.
"""

import argparse
import os
import pwd
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_VERSIONS = ("3.11", "3.12", "3.13")
# Packages that every Debian has: coreutils, dash, findutils, grep, mawk, sed; and make.
_PROGRAMS = (
    *("awk", "basename", "cat", "chmod", "cp", "cut", "date", "dirname", "echo", "env"),
    *("expr", "false", "find", "grep", "head", "id", "ln", "ls", "make", "mkdir"),
    *("mkfifo", "mktemp", "mv", "nproc", "printf", "pwd", "readlink", "rm", "rmdir"),
    *("sed", "seq", "sh", "sleep", "sort", "stat", "tail", "tee", "test", "touch"),
    *("tr", "true", "uname", "uniq", "wc", "xargs"),
)
_FOR_INSTALLS = re.compile(
    r"(PIP|UV)_.*|.*_proxy|SSL_CERT_.*|(REQUESTS|CURL)_CA_BUNDLE", re.IGNORECASE
)
_PIP_CONFIGS = (".config/pip/pip.conf", ".pip/pip.conf")
# A zone of 12 h 45 min, told without a zone database; a locale with other ideas of i.
_ODD = {"TZ": "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "LC_ALL": "tr_TR.UTF-8"}
_WITHOUT_GIT = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info")
_NOT_OF_A_PYTHON = shutil.ignore_patterns("site-packages", "test", "config-*")


class Newcomer:
    """
    Somebody who has just come to this machine, with a folder and little else.

    Args:
        folder: Everything of theirs goes there.
    """

    def __init__(self, folder):
        self.folder = folder
        self._who = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._who = {"user": nobody.pw_uid, "group": nobody.pw_gid}
            self._who["extra_groups"] = []
        for name in ("bin", "home"):
            (folder / name).mkdir()
        for name in _PROGRAMS:
            if found := shutil.which(name):
                (folder / "bin" / name).symlink_to(found)
        self.environ = {
            "PATH": str(folder / "bin"),
            "HOME": str(folder / "home"),
            **_ODD,
        }

    def owns(self, path):
        """Give them a file or a folder with all that is in it."""
        if self._who:
            for one in [path, *path.rglob("*")]:
                os.chown(
                    one, self._who["user"], self._who["group"], follow_symlinks=False
                )

    def runs(self, *command, more=None, **options):
        """Run a command as they would, and return its exit status."""
        environ = self.environ | (more or {})
        with subprocess.Popen(command, env=environ, **self._who, **options) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.wait()  # it heard the same, and tidies up
                raise

    def has(self, python):
        """Let a Python be theirs; return why it cannot be, if it cannot."""
        if not self._can_use(python):
            python = _copied(python, self.folder / "python")
            if not self._can_use(python):
                return "neither it nor a copy can be run by this user"
        # No link: a virtual environment would take its folder for Python's home.
        start = self.folder / "bin" / "python3"
        start.write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
        start.chmod(0o755)
        return ""

    def _can_use(self, python):
        quiet = {"cwd": "/", "stderr": subprocess.DEVNULL}
        with suppress(PermissionError):
            return self.runs(python, "-c", "import ensurepip, ssl", **quiet) == 0
        return False


def pythons():
    """Return the path of a Python for each version that is found."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = {}
    for version in _VERSIONS:
        name = f"python{version}"
        places = [Path(folder) / name for folder in os.get_exec_path()]
        places += sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"), reverse=True)
        for place in places:
            if program := _program(place, version):
                found[version] = program
                break
    return found


def _program(place, version):
    """Return what is started in the end, past links and shims; None: no such Python."""
    ask = "import ensurepip, sys; print(sys.executable, sys.version)"
    with suppress(OSError):
        told = subprocess.run(
            [place, "-c", ask], capture_output=True, text=True, check=False, cwd="/"
        ).stdout
        program, _, said = told.partition(" ")
        if said.startswith(f"{version}."):
            return Path(program).resolve()
    return None


def _copied(python, to):
    """Copy a Python: pyenv's are mostly in a home that others may not look into."""
    home, library = python.parents[1], Path("lib", python.name)
    shutil.copytree(
        home / library, to / library, symlinks=True, ignore=_NOT_OF_A_PYTHON
    )
    for shared in home.glob("lib/libpython*"):
        shutil.copy2(shared, to / "lib", follow_symlinks=False)
    copy = to / "bin" / python.name
    copy.parent.mkdir()
    # Where it looks for libpython is written down in it; so this is as conda does it.
    old, new = os.fsencode(home / "lib"), b"$ORIGIN/../lib"
    copy.write_bytes(python.read_bytes().replace(old, new.ljust(len(old), b"\0")))
    copy.chmod(0o755)
    return copy


def _unpack(to):
    """Put what is at HEAD into a folder; of a copy without git, what there is."""
    git = shutil.which("git") and (ROOT / ".git").exists()
    if not git:
        shutil.copytree(ROOT, to, ignore=_WITHOUT_GIT)
        return "the files here, which are not in git"
    with tempfile.TemporaryFile() as packed:
        archive = ["git", "archive", "HEAD"]
        subprocess.run(archive, cwd=ROOT, stdout=packed, check=True)
        packed.seek(0)
        with tarfile.open(fileobj=packed) as archive:
            archive.extractall(to, filter="data")
    return "HEAD: what is not committed is not looked at"


def _for_installs(folder):
    """Return what `make setup` is told, so that it gets packages as this user does."""
    told = {
        name: value for name, value in os.environ.items() if _FOR_INSTALLS.match(name)
    }
    for name in _PIP_CONFIGS:
        if (config := Path.home() / name).exists():
            shutil.copy(config, folder / "pip.conf")
            told.setdefault("PIP_CONFIG_FILE", str(folder / "pip.conf"))
    return told


def tried(python, version, order):
    """
    Try one Python.

    Args:
        python: Its path.

        version: As in ``3.12``.

        order: What pytest is told of the order of tests; empty: no tests.

    Returns:
        What failed, or nothing; None: it was left out.
    """
    with tempfile.TemporaryDirectory(prefix="bare-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        newcomer = Newcomer(folder)
        if wrong := newcomer.has(python):
            print(f"bare: Python {version} at {python} is left out: {wrong}")
            return None
        clone = folder / "a new clöne"
        print(f"bare: Python {version} at {python}, on {_unpack(clone)}", flush=True)
        installs = _for_installs(folder)
        newcomer.owns(folder)
        commands = [(("make", "setup"), installs), (("make", "run"), {})]
        if order:
            tests = ("make", "--assume-old=lint", "test", f"ORDER={order}")
            commands.append((tests, {}))
        for command, more in commands:
            began = time.monotonic()
            status = newcomer.runs(*command, more=more, cwd=clone)
            said = f"Python {version}: {' '.join(command)}"
            print(f"bare: {said}: {time.monotonic() - began:.0f} s", flush=True)
            if status:
                return f"{said} ended with {status}"
    return ""


def main():
    parser = argparse.ArgumentParser(
        prog="python tests/bare.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found = pythons()
    parser.add_argument(
        "--python", choices=_VERSIONS, action="append", help="this one; else all"
    )
    parser.add_argument("--seed", type=int, help="of the order; else a random one")
    asked = parser.parse_args()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    versions = [one for one in asked.python or _VERSIONS if one in found]
    if not versions:
        parser.exit(2, f"bare: none of {', '.join(asked.python or _VERSIONS)} here\n")
    print(f"bare: with Python {', '.join(versions)}, in the order of seed {seed}")
    order = f"--random-order --random-order-seed={seed}"
    tested = asked.python or (versions[0], versions[-1])
    ended = {
        one: tried(found[one], one, order if one in tested else "") for one in versions
    }
    for version, wrong in ended.items():
        if wrong:
            again = f"python tests/bare.py --python {version} --seed {seed}"
            print(f"bare: {wrong}; once more: {again}")
    if set(ended.values()) == {None}:
        print("bare: no Python is left to try")
        return 2
    return 1 if any(ended.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nbare: interrupted; nothing of it is left")
        sys.exit(130)
