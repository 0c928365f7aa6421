"""
A root like Lambda's: glibc, Python 3.13 and AWS's runtime client, and nothing of ours.

Debian 13 stands for Amazon Linux 2023: Debian's packages can be had everywhere. Another
processor's programs are run by qemu.
"""

import os
import platform
import re
import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path

from rollout.bundle.lambda_platform import LambdaPlatform
from rollout.bundle.wheels import fetched
from rollout.errors import BundleError

_DEBIAN = "trixie"
_PYTHON = "python3.13"
_DEBIANS_NAMES = {"arm64": "arm64", "x86_64": "amd64"}
_PROCESSORS = {"arm64": "aarch64", "x86_64": "x86_64"}
# Where Amazon Linux 2023 keeps the authorities to trust, and Debian's Python looks.
_AUTHORITIES = ("etc/pki/tls/certs/ca-bundle.crt", "usr/lib/ssl/cert.pem")
_RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
# As in Lambda's executions (recorded by LocalStack, 2026-01): neither root nor a user
# of the machine, no /dev/shm, the code owned by somebody else.
_USER = "993:990"
_DEVICES = ("null", "zero", "random", "urandom")
_ENTER = """
root=$1; shift
for one in {devices}; do mount --bind /dev/$one "$root/dev/$one" || exit 125; done
mount --rbind /proc "$root/proc" || exit 125
exec {chroot} --userspec={user} "$root" "$@"
"""

_ENVIRON = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "AWS_LAMBDA_FUNCTION_NAME": "aws-like",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/aws-like",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/29/[$LATEST]0123456789abcdef",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "LANG": "en_US.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin/:/bin",
    "PYTHONPATH": "/var/runtime",
    "TZ": ":UTC",
}
# There is no shell in the root that could change the folder.
_START = """
import os, runpy, sys
os.chdir("/var/task")
sys.path[0] = "/var/task"
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
"""


# apt's words.
_NO_NETWORK = re.compile(
    "Could not (resolve|connect)|failure resolving|Cannot initiate"
)


class NotHereError(Exception):
    """Such a root cannot be made on this machine, for the reason it says."""


class LambdaRoot:
    """
    A folder with such a root.

    Args:
        folder: Where; empty.

        architecture: ``arm64`` or ``x86_64``.

    Raises:
        NotHereError: If a program, a permission, a package or a network is missing.

        OSError: If Debian's packages cannot be unpacked for any other reason.
    """

    def __init__(self, folder, architecture):
        self.folder = folder
        folder.chmod(0o755)
        self.architecture = architecture
        self._emulator = self._found_emulator()
        _check_machine()
        self._unpack_debian()
        self._write(self._runtime_client(), "var/runtime")
        for name in _DEVICES:
            self._place(f"dev/{name}").touch()
        for name in ("mnt", "proc", "tmp"):
            self._place(name).mkdir(exist_ok=True)
        self._place("tmp").chmod(0o1777)

    def __str__(self):
        how = " under qemu" if self._emulator else ""
        client = f"awslambdaric {metadata.version('awslambdaric')}"
        return f"{self.architecture}: Debian 13's {_PYTHON} with {client}{how}"

    def trusts(self, certificate):
        """Let its programs trust an authority."""
        for name in _AUTHORITIES:
            place = self._place(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(certificate)

    def deploy(self, files):
        """Put the files of a zip where Lambda puts them."""
        self._write(files, "var/task")

    def compile(self):
        """
        Compile all modules, as Lambda's own are.

        A root of this machine's architecture does it: qemu would take minutes, with
        each start, and the result is the same.
        """
        if not self._emulator:
            self._compile(self)
            return
        with tempfile.TemporaryDirectory("-aws-like", dir="/var/tmp") as folder:
            native = {_PROCESSORS[one]: one for one in _PROCESSORS}[platform.machine()]
            LambdaRoot(Path(folder), native)._compile(self)

    def _compile(self, other):
        script = (
            f'mount --bind "$2" "$1/mnt" && exec {shutil.which("chroot")} "$1" '
            f"/usr/bin/{_PYTHON} -m compileall -q -j 2 -s /mnt "
            "--invalidation-mode unchecked-hash "
            f"/mnt/usr/lib/{_PYTHON} /mnt/var/runtime /mnt/var/task"
        )
        roots = [str(self.folder), str(other.folder)]
        command = ["unshare", "--mount", "sh", "-c", script, "sh", *roots]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)

    def start(self, handler, environ):
        """Start AWS's runtime client in it; return its process."""
        enter = _ENTER.format(
            devices=" ".join(_DEVICES), user=_USER, chroot=shutil.which("chroot")
        )
        command = ["unshare", "--mount", "sh", "-c", enter, "sh", str(self.folder)]
        command += [*self._emulator, f"/usr/bin/{_PYTHON}", "-c", _START, handler]
        return subprocess.Popen(
            command,
            env=_ENVIRON | {"_HANDLER": handler} | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _found_emulator(self):
        wanted = _PROCESSORS[self.architecture]
        if platform.machine() == wanted:
            return []
        found = shutil.which(f"qemu-{wanted}-static")
        if found is None:
            msg = f"there is no qemu-{wanted}-static (qemu-user-static)"
            raise NotHereError(msg)
        return [f"/usr/bin/{Path(found).name}"]

    def _unpack_debian(self):
        # Nothing is installed: what packages would run at that cannot run here.
        command = ["mmdebstrap", "--quiet", "--variant=extract"]
        # AWS's client is C++.
        command += [f"--include={_PYTHON},libstdc++6"]
        command += [f"--architectures={_DEBIANS_NAMES[self.architecture]}"]
        command += [_DEBIAN, str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it says nothing"]
            msg = f"mmdebstrap failed: {lines[-1]}"
            raise NotHereError(msg) if _NO_NETWORK.search(done.stderr) else OSError(msg)
        for name in ("bin", "lib", "lib64", "sbin"):
            link = self.folder / name
            if not link.exists() and (self.folder / "usr" / name).is_dir():
                link.symlink_to(f"usr/{name}")
        for emulator in self._emulator:
            shutil.copy2(shutil.which(Path(emulator).name), self._place(emulator[1:]))

    def _runtime_client(self):
        try:
            return fetched(_RUNTIME, LambdaPlatform(_PYTHON, self.architecture))
        except BundleError as error:
            raise NotHereError(str(error)) from error

    def _write(self, files, below):
        shutil.rmtree(self._place(below), ignore_errors=True)
        for name, content in files.items():
            place = self._place(f"{below}/{name}")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    def _place(self, name):
        """Return a path inside the root, whatever links there are on the way."""
        place = self.folder / name
        inside = place.parent.resolve().is_relative_to(self.folder.resolve())
        assert inside, f"{place} is not in {self.folder}"
        assert not place.is_symlink(), f"{place} is a link"
        return place


def _check_machine():
    if os.getuid() != 0:
        msg = "it takes root, to mount and to change the root"
        raise NotHereError(msg)
    for program in ("mmdebstrap", "unshare", "chroot"):
        if not shutil.which(program):
            msg = f"there is no {program}"
            raise NotHereError(msg)
