"""The wild origin in a process of its own."""

from __future__ import annotations

import json
import select
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Self

from origin.child_process import answer_of, ended, start, stop
from origin.server import HOST, OriginError
from origin.wild.fates import mixture
from origin.wild.synthetic_web import Web

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_START_LIMIT_S = 60
_END_LIMIT_S = 2


class WildOrigin:
    """
    A wild origin in a process of its own; however this process ends, it ends, too.

    As in ``with WildOrigin(400, 100) as wild: wild.write_list(path)``.

    Args:
        urls, hosts, seed, shares, delays: See `origin.wild.synthetic_web.Web`.

    Attributes:
        web: The URLs and the truth about them.

        port: Of every host. Known once started.
    """

    port: int

    def __init__(
        self,
        urls: int = 4_000,
        hosts: int = 1_133,
        *,
        seed: int = 1,
        shares: Mapping[str, float] | None = None,
        delays: bool = True,
    ) -> None:
        shares = dict(shares or mixture())
        self.web = Web(urls, hosts, seed=seed, shares=shares, delays=delays)
        self._arguments = [
            *("--urls", str(urls), "--hosts", str(hosts), "--seed", str(seed)),
            *("--shares", json.dumps(shares)),
            *([] if delays else ["--no-delays"]),
        ]

    def __enter__(self) -> Self:
        """
        Start it, and return once all its hosts listen.

        Raises:
            OriginError: If it ends, or says nothing within 60 s.
        """
        self._process = start("origin.wild", *self._arguments, stdout=subprocess.PIPE)
        try:
            self.port = self._started()
        except BaseException:
            stop(self._process)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and wait for its process to end."""
        stop(self._process)

    @property
    def urls(self) -> list[str]:
        """Return the list."""
        return list(self.web.lines(self.port))

    def write_list(self, path: Path) -> None:
        """Write the list, a URL a line."""
        path.write_text("".join(f"{url}\n" for url in self.urls))

    def requests(self) -> Counter[str]:
        """Return how many requests each host got since the start."""
        return Counter(self._counts()["requests"])

    def connections(self) -> Counter[str]:
        """Return how many connections each host took since the start."""
        return Counter(self._counts()["connections"])

    def _counts(self) -> dict[str, dict[str, int]]:
        url = f"http://{HOST}:{self.port}/counts"
        counts: dict[str, dict[str, int]] = json.loads(answer_of(url))
        return counts

    def _started(self) -> int:
        output = self._process.stdout
        assert output
        ready, _, _ = select.select([output], [], [], _START_LIMIT_S)
        line = output.readline() if ready else b""
        if not line:
            how = ended(self._process, _END_LIMIT_S) or "it hangs"
            msg = (
                f"The wild origin did not start ({how}); its output is on stderr. "
                "Try `python -m origin.wild`."
            )
            raise OriginError(msg)
        port: int = json.loads(line)["port"]
        return port
