"""The `fetcher` command running as a process of its own, and what it leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager

import psutil
from tests.support.waiting import WAIT_S, eventually


class Run:
    """
    One run of the command in a folder: what it was given, did and told.

    Args:
        folder: Where the list, the files and the report are.

        urls: The list.

    Attributes:
        program: What Python is to run.

        is_piped: Whether the list is what the test writes to the process.
    """

    def __init__(self, folder, urls):
        self.program = ["-m", "fetcher"]
        self.is_piped = False
        self.out = folder / "out"
        self.report = folder / "report.jsonl"
        self._list = folder / "urls.txt"
        self._list.write_text("".join(f"{url}\n" for url in urls))

    @contextmanager
    def start(self, *options):
        """Start the command; it is gone when the `with` block ends."""
        command = [sys.executable, *self.program]
        command.append("-" if self.is_piped else str(self._list))
        self.process = subprocess.Popen(
            [
                *command,
                *("--to", str(self.out), "--report", str(self.report)),
                *("--allow-private", *options),
            ],
            stdin=subprocess.PIPE if self.is_piped else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with self.process:
            try:
                yield self.process
            finally:
                self.process.kill()

    def finish(self):
        """Wait for the end; return the exit status and the summary."""
        out, self.err = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, json.loads(out) if out else None

    def wait_for_lines(self, many):
        """Wait until the report has so many."""
        report = self.report
        eventually(
            lambda: report.exists() and report.read_bytes().count(b"\n") >= many,
            within_s=WAIT_S,
        )

    def children(self):
        return psutil.Process(self.process.pid).children()

    def told(self):
        """Return the report's lines by URL; no URL has two."""
        lines = [json.loads(line) for line in self.report.read_text().splitlines()]
        by_url = {line["url"]: line for line in lines}
        assert len(by_url) == len(lines)
        return by_url

    def files(self):
        return [path for path in self.out.rglob("*") if path.is_file()]
