"""
An origin by nginx, for loads that are too much for the Python one.

Each size is one file in RAM, and a pattern maps every number to it.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Self

from origin import picture
from origin.certificate import write_certificate
from origin.child_process import answer_of, ended, stop
from origin.server import BACKLOG, HOST, OriginError, listen
from origin.temporary_folders import memory_folder

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

_MOST_CONNECTIONS = 65_536
_FOLDERS = ("files", "body", "proxy", "fastcgi", "uwsgi", "scgi")
_CERTIFICATE, _KEY, _ERRORS = "certificate.pem", "key.pem", "errors.log"
_STATS = "/stats"
_COUNTS = re.compile(r"^ *\d+ \d+ (\d+) *$", re.MULTILINE)  # the third is requests

# Paths are relative to the folder that nginx is started with.
_CONFIG = """\
daemon off;
{user}
pid nginx.pid;
error_log stderr;
worker_processes 1;
worker_rlimit_nofile {connections};
events {{
  worker_connections {connections};
}}
http {{
  access_log off;
  types {{ image/jpeg jpg; }}
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100;
  keepalive_timeout 60s;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    {listen}
    location ~ "^/([0-9]+)/[0-9]+\\.jpg$" {{ alias files/$1.jpg; }}
    location = {stats} {{ stub_status; }}
    location / {{ return 404; }}
  }}
}}
"""


class Nginx:
    """
    nginx on loopback, serving the same JPEGs as `Origin`, without faults.

    However the thread that started it ends, nginx ends with it, if setpriv is
    installed. As in ``with Nginx([10_000]) as nginx: print(nginx.template(10_000))``.

    Args:
        sizes: Sizes of the files, in bytes.

        https: Whether to serve HTTPS as well, with HTTP/2 on request.

    Attributes:
        version: As in ``1.22.1``.

        url: As in ``http://127.0.0.1:43123``. Known once started.

        https_url: The same for HTTPS; empty without.

        ca_file: Certificate that verifies HTTPS, removed when nginx stops.
    """

    url: str
    https_url: str
    ca_file: Path

    def __init__(self, sizes: Iterable[int], *, https: bool = False) -> None:
        self._sizes = sorted(set(sizes))
        self._https = https
        self._program = _find()
        self.version = _version(self._program)

    def __enter__(self) -> Self:
        """
        Start it, and return once it answers.

        Raises:
            OriginError: If nothing answers within 60 s.
        """
        with ExitStack() as held:
            room_bytes = sum(self._sizes)
            self._folder = held.enter_context(memory_folder("nginx-", room_bytes))
            self._write_files()
            self._process = self._start()
            held.callback(stop, self._process)
            self._own_requests = 0
            self._check_answers()
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and remove its folder."""
        self._held.close()

    def template(self, size_bytes: int, scheme: str = "http") -> str:
        """
        Return a URL with ``{number}`` in it, for any number from 0.

        Raises:
            ValueError: If it does not serve that size, or that scheme.
        """
        base = {"http": self.url, "https": self.https_url}.get(scheme)
        if size_bytes not in self._sizes or not base:
            msg = (
                f"This nginx has no files of {size_bytes:,} bytes over {scheme}. "
                "Name every size when you start it, and https if you need it."
            )
            raise ValueError(msg)
        return f"{base}/{size_bytes}/{{number}}.jpg"

    def requests(self) -> int:
        """Return the number of requests since the start, except for this count."""
        text = answer_of(f"{self.url}{_STATS}").decode()
        found = _COUNTS.findall(text)
        if not found:
            msg = f"{self.url}{_STATS} should have counts; it has {text[:200]!r}."
            raise OriginError(msg)
        self._own_requests += 1
        return int(found[0]) - self._own_requests

    def check(self, within_s: float = 0.0) -> None:
        """
        Check that it is alive, or does not end within so many seconds.

        Raises:
            OriginError: If its process ended by itself.
        """
        if how := ended(self._process, within_s):
            msg = (
                f"nginx at {self.url} ended by itself ({how}). "
                f"It says: {self._last_words()}"
            )
            raise OriginError(msg)

    def _write_files(self) -> None:
        for name in _FOLDERS:
            (self._folder / name).mkdir()
        for size in self._sizes:
            (self._folder / "files" / f"{size}.jpg").write_bytes(picture.jpeg(size))
        if self._https:
            self.ca_file = self._folder / _CERTIFICATE
            write_certificate(self.ca_file, self._folder / _KEY)

    def _start(self) -> subprocess.Popen[bytes]:
        """Start it with listening sockets, so it never refuses a connection."""
        with ExitStack() as held:
            sockets = [held.enter_context(listen(0)) for _ in range(1 + self._https)]
            for listener in sockets:
                listener.settimeout(0)  # nginx expects inherited sockets not to block
            plain, *secure = sockets
            self.url = f"http://{_place(plain)}"
            self.https_url = f"https://{_place(secure[0])}" if secure else ""
            self._configure(plain, secure)
            listeners = [listener.fileno() for listener in sockets]
            command = [self._program, "-p", f"{self._folder}/", "-c", "nginx.conf"]
            errors = held.enter_context((self._folder / _ERRORS).open("w"))
            return subprocess.Popen(
                [*_dying_with_us(), *command],
                env={"NGINX": "".join(f"{fd};" for fd in listeners)},
                cwd=self._folder,
                pass_fds=listeners,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for us
            )

    def _configure(self, plain: socket.socket, secure: list[socket.socket]) -> None:
        lines = [f"listen {_place(plain)} backlog={BACKLOG};"]
        for listener in secure:
            lines += [
                f"listen {_place(listener)} ssl http2 backlog={BACKLOG};",
                f"ssl_certificate {_CERTIFICATE};",
                f"ssl_certificate_key {_KEY};",
            ]
        config = _CONFIG.format(
            user="user root;" if os.geteuid() == 0 else "",  # the folder is ours alone
            connections=_connections(),
            listen="\n    ".join(lines),
            stats=_STATS,
        )
        (self._folder / "nginx.conf").write_text(config)

    def _check_answers(self) -> None:
        try:
            self.requests()
        except (OSError, HTTPException) as error:
            msg = (
                f"nginx at {self.url} does not answer: {error!r}. "
                f"It says: {self._last_words()}"
            )
            raise OriginError(msg) from error

    def _last_words(self) -> str:
        lines = (self._folder / _ERRORS).read_text().splitlines()
        return lines[-1] if lines else "nothing"


def is_installed() -> bool:
    """Return whether nginx is installed."""
    return _path() is not None


def _path() -> str | None:
    """Find nginx, also in the sbin beside a bin: Debian's is not on users' PATH."""
    folders = os.get_exec_path()
    beside = [str(Path(folder).with_name("sbin")) for folder in folders if folder]
    return shutil.which("nginx", path=os.pathsep.join([*folders, *beside]))


def _find() -> str:
    path = _path()
    if path is None:
        msg = (
            "There is no nginx on PATH, nor in an sbin beside it. On Debian and "
            "Ubuntu: apt install nginx-light."
        )
        raise OriginError(msg)
    return path


def _version(program: str) -> str:
    done = subprocess.run([program, "-v"], capture_output=True, text=True, check=True)
    return done.stderr.partition("/")[2].split()[0]


def _dying_with_us() -> list[str]:
    """Return a prefix that makes the kernel end a program with us, if available."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _place(listener: socket.socket) -> str:
    return f"{HOST}:{listener.getsockname()[1]}"


def _connections() -> int:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = most == resource.RLIM_INFINITY
    return _MOST_CONNECTIONS if unlimited else min(most, _MOST_CONNECTIONS)
