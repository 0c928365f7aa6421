"""The origin in a process of its own."""

from __future__ import annotations

import json
import subprocess
from http.client import HTTPException
from typing import Self
from urllib.parse import urlencode

from origin import fault_query, picture
from origin.child_process import answer_of, ended, start, stop
from origin.server import OriginError, address, listen


class Origin:
    """
    An origin in a process of its own, so it shares no GIL with its clients.

    Starting takes some 0.2 s. However this process ends, the origin ends with it. As in
    ``with Origin() as origin: print(origin.template(10_000))``.

    Attributes:
        url: As in ``http://127.0.0.1:43123``. Known once started.
    """

    url: str

    def __init__(self, port: int = 0) -> None:
        self._port = port

    def __enter__(self) -> Self:
        """
        Start it, and return once it answers.

        Raises:
            OriginError: If the port is taken, or nothing answers within 60 s.
        """
        with listen(self._port) as listener:
            self.url = address(listener)
            inherited = listener.fileno()
            self._process = start(
                "origin",
                f"--listener-fd={inherited}",
                pass_fds=[inherited],
                stdout=subprocess.DEVNULL,
            )
        try:
            self.stats()
        except (OSError, HTTPException) as error:
            stop(self._process)
            msg = (
                f"The origin at {self.url} does not answer: {error!r}. Its process "
                f"ended with {self._process.returncode}; its output is on stderr. "
                "Try `python -m origin`."
            )
            raise OriginError(msg) from error
        except BaseException:
            stop(self._process)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and wait for its process to end."""
        stop(self._process)

    def template(self, size_bytes: int, **faults_: int) -> str:
        """
        Return a URL with ``{number}`` in it, for any number from 0.

        Args:
            size_bytes: Of each file, from 1,000 to 50,000,000.

            faults_: See `origin.fault_query`; ``cut=1, fault_every=100`` cuts 1 %.

        Raises:
            ValueError: If the origin would refuse the size or the faults.
        """
        picture.check_size(size_bytes)
        query = urlencode({name: int(value) for name, value in faults_.items()})
        fault_query.parse(query)
        return f"{self.url}/{size_bytes}/{{number}}.jpg" + (query and f"?{query}")

    def stats(self) -> dict[str, int]:
        """Return counts since the start: requests, files, body_bytes."""
        return stats_at(self.url)

    def check(self, within_s: float = 0.0) -> None:
        """
        Check that it is alive, or does not end within so many seconds.

        Raises:
            OriginError: If its process ended by itself.
        """
        if how := ended(self._process, within_s):
            msg = f"The origin at {self.url} ended by itself ({how})."
            raise OriginError(msg)

    def wait(self) -> None:
        """Wait for its process to end."""
        self._process.wait()


def stats_at(url: str) -> dict[str, int]:
    """Return the counts of the origin at a URL: see `Origin.stats`."""
    stats: dict[str, int] = json.loads(answer_of(f"{url}/stats"))
    return stats
