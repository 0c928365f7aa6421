"""
`make test-bare`: `make run` and the tests as on a new machine with next to nothing.

HEAD is unpacked into a new folder, as `git clone` would, and run there

* by a user without privileges if root runs this; otherwise by the same user
* with Python, make and `_PROGRAMS` on PATH: no git, nothing optional
* in an empty environment and an empty home, with a rare time zone and locale
* with tests in random order
* by each Python of 3.11 to 3.13 that this machine has, the newest, which is Lambda's,
  first; the others do only `make run` if their tests no longer fit into `_BUDGET_S`,
  so that with `make test` it takes some 25 minutes; the output says what was left out

Only `make setup` learns how this machine gets packages: from `_FOR_INSTALLS` and the
user's pip.conf. Everything after it must work without.
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
# From what every Debian has (coreutils, dash, findutils, grep, mawk, sed), and make.
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
# A zone of 12 h 45 min that needs no zone database.
_ODD_ZONE = "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45"
# The first has other rules for i; of one that is not installed, C would be used.
_LOCALES = ("tr_TR.UTF-8", "de_DE.UTF-8", "C.UTF-8")
_BUDGET_S = 14 * 60
_WITHOUT_GIT = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info")
_NOT_OF_A_PYTHON = shutil.ignore_patterns("site-packages", "test", "config-*")


class Newcomer:
    """
    A user who is new to this machine, with a folder and little else.

    Args:
        folder: Holds everything of theirs.
    """

    def __init__(self, folder):
        self.folder = folder
        self._user = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid}
            self._user["extra_groups"] = []
        for name in ("bin", "home"):
            (folder / name).mkdir()
        for name in _PROGRAMS:
            if found := shutil.which(name):
                (folder / "bin" / name).symlink_to(found)
        self.environ = {
            "PATH": str(folder / "bin"),
            "HOME": str(folder / "home"),
            "TZ": _ODD_ZONE,
            "LC_ALL": odd_locale(),
        }

    def owns(self, path):
        """Give them a file, or a folder with its contents."""
        if self._user:
            for one in [path, *path.rglob("*")]:
                owner = self._user["user"], self._user["group"]
                os.chown(one, *owner, follow_symlinks=False)

    def runs(self, *command, more=None, **options):
        """Run a command as they would, and return its exit status."""
        environ = self.environ | (more or {})
        with subprocess.Popen(command, env=environ, **self._user, **options) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.wait()  # it got the same signal, and tidies up
                raise

    def has(self, python):
        """Give them a Python; return why that cannot be done, or nothing."""
        if not self._can_use(python):
            python = _copied(python, self.folder / "python")
            if not self._can_use(python):
                return "neither it nor a copy can be run by this user"
        # Not a link: a virtual environment would take its folder for Python's home.
        start = self.folder / "bin" / "python3"
        start.write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
        start.chmod(0o755)
        return ""

    def _can_use(self, python):
        quiet = {"cwd": "/", "stderr": subprocess.DEVNULL}
        with suppress(PermissionError):
            return self.runs(python, "-c", "import ensurepip, ssl", **quiet) == 0
        return False


def odd_locale():
    """Return the oddest locale that this machine has."""
    if not shutil.which("locale"):
        return "POSIX"
    known = subprocess.run(
        ["locale", "-a"], capture_output=True, text=True, check=False
    ).stdout
    installed = {_plain(name) for name in known.split()}
    return next((name for name in _LOCALES if _plain(name) in installed), "POSIX")


def _plain(name):
    return name.lower().replace("-", "")


def pythons():
    """Return the path of a Python for each version found."""
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
    """Return the program behind links and shims; None if it is no such Python."""
    ask = "import ensurepip, sys; print(sys.executable, sys.version)"
    with suppress(OSError):
        output = subprocess.run(
            [place, "-c", ask], capture_output=True, text=True, check=False, cwd="/"
        ).stdout
        program, _, found = output.partition(" ")
        if found.startswith(f"{version}."):
            return Path(program).resolve()
    return None


def _copied(python, to):
    """Copy a Python: pyenv's are mostly in a home that others may not enter."""
    home, library = python.parents[1], Path("lib", python.name)
    shutil.copytree(
        home / library, to / library, symlinks=True, ignore=_NOT_OF_A_PYTHON
    )
    for shared in home.glob("lib/libpython*"):
        shutil.copy2(shared, to / "lib", follow_symlinks=False)
    copy = to / "bin" / python.name
    copy.parent.mkdir()
    # The path of libpython is part of the program; conda replaces it in the same way.
    old, new = os.fsencode(home / "lib"), b"$ORIGIN/../lib"
    copy.write_bytes(python.read_bytes().replace(old, new.ljust(len(old), b"\0")))
    copy.chmod(0o755)
    return copy


def _unpack(to):
    """Put HEAD into a folder, or all files if this is a copy without git."""
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
    return "HEAD, without uncommitted changes"


def _for_installs(folder):
    """Return variables for `make setup` to get packages as this user does."""
    found = {
        name: value for name, value in os.environ.items() if _FOR_INSTALLS.match(name)
    }
    for name in _PIP_CONFIGS:
        if (config := Path.home() / name).exists():
            shutil.copy(config, folder / "pip.conf")
            found.setdefault("PIP_CONFIG_FILE", str(folder / "pip.conf"))
    return found


def try_python(python, version, order):
    """
    Set up, run and test with one Python.

    Args:
        python: Its path.

        version: As in ``3.12``.

        order: pytest's options about the order of tests; empty: no tests.

    Returns:
        What failed, or an empty text; None if it was left out.
    """
    with tempfile.TemporaryDirectory(prefix="bare-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        newcomer = Newcomer(folder)
        if problem := newcomer.has(python):
            print(f"bare: Python {version} at {python} is left out: {problem}")
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
            step = f"Python {version}: {' '.join(command)}"
            print(f"bare: {step}: {time.monotonic() - began:.0f} s", flush=True)
            if status:
                return f"{step} ended with {status}"
    return ""


def main():
    parser = argparse.ArgumentParser(
        prog="python tests/bare.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found = pythons()
    parser.add_argument(
        "--python",
        choices=_VERSIONS,
        action="append",
        help="only this one; by default all",
    )
    parser.add_argument("--seed", type=int, help="of the order; by default random")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    versions = [one for one in options.python or _VERSIONS if one in found]
    if not versions:
        parser.exit(2, f"bare: none of {', '.join(options.python or _VERSIONS)} here\n")
    print(f"bare: with Python {', '.join(versions)}, in the order of seed {seed}")
    print(f"bare: the locale is {odd_locale()}")
    order = f"--random-order --random-order-seed={seed}"
    problems, began, longest_s = {}, time.monotonic(), 0.0
    for one in [versions[-1], *versions[:-1]]:
        started = time.monotonic()
        fits = options.python or one == versions[-1]
        fits = fits or started - began + longest_s <= _BUDGET_S
        if not fits:
            print(f"bare: Python {one}: no time is left for its tests: only `make run`")
        problems[one] = try_python(found[one], one, order if fits else "")
        longest_s = max(longest_s, time.monotonic() - started)
    for version, problem in problems.items():
        if problem:
            again = f"python tests/bare.py --python {version} --seed {seed}"
            print(f"bare: {problem}; run it again: {again}")
    if set(problems.values()) == {None}:
        print("bare: no Python could be tried")
        return 2
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nbare: interrupted; everything is removed")
        sys.exit(130)
