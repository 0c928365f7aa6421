"""Many invocations of a served endpoint: who answered, who ran, and what is left."""

import asyncio
import collections
import contextlib
import json
import random
import tempfile
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
from tests.support.child_processes import environments_of
from tests.support.lambda_functions import request_for
from tests.support.served_endpoint import serving
from tests.support.waiting import eventually

from rollout.invoke.invoker import Invoker
from rollout.target.connection import connect

# Says who runs before it works: one line per run, appended in one write.
RECORD = (
    "import os, time\n"
    "def run(event, context):\n"
    "    file = os.open(event['record'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)\n"
    "    os.write(file, f\"{event['id']}\\n\".encode())\n"
    "    os.close(file)\n"
    "    time.sleep(event['sleep'])\n"
    "    return event['id']\n"
)


class Watched:
    """An endpoint in a process of its own, and what is left of its functions."""

    def __init__(self, served, folder):
        self.url, self.keys = served.endpoint_url, served.keys
        self.pid, self.folder = served.process.pid, folder

    @cached_property
    def target(self):
        """One for all: its clients keep connections open."""
        return connect("local", self.url, keys=self.keys)

    def environments(self):
        """Return the pids of processes in which functions run."""
        return [process.pid for process in environments_of(self.pid)]

    def descriptors(self):
        return psutil.Process(self.pid).num_fds()

    def folders(self):
        """What lies in the endpoint's own folder."""
        (own,) = self.folder.iterdir()
        return sorted(path.name for path in own.iterdir())

    @contextlib.contextmanager
    def function(self, code, **settings):
        """Deploy a function; afterwards nothing may be left of it."""
        client = self.target.client("lambda")
        before = self.folders()
        name = f"f-{uuid.uuid4().hex[:8]}"
        client.create_function(**request_for(name, code, Timeout=60, **settings))
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        yield name
        client.delete_function(FunctionName=name)
        assert self.environments() == []
        assert self.folders() == before


@contextlib.contextmanager
def served():
    """Serve, with a folder for temporary files that must be empty in the end."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        with serving(tmpdir=folder) as endpoint:
            yield Watched(endpoint, Path(folder))
        assert list(Path(folder).iterdir()) == []


@dataclass
class Trial:
    """
    What came of many invocations.

    Attributes:
        answers: Of each id.

        runs: How often each id ran.

        kills: How many processes were killed.
    """

    answers: dict
    runs: collections.Counter
    kills: int = 0

    def check(self):
        """Check that each call answered once, rightly, and ran at most once."""
        for id_, answer in self.answers.items():
            if answer.function_error is None:
                assert json.loads(answer.payload) == id_
                assert self.runs[id_] == 1
            else:
                error = json.loads(answer.payload)
                assert error["errorType"] == "Runtime.ExitError"
                assert error["errorMessage"].endswith("signal: killed")
                assert self.runs[id_] <= 1
        assert set(self.runs) <= set(self.answers)

    @property
    def failures(self):
        return sum(bool(answer.function_error) for answer in self.answers.values())


def run_many(served, name, *, calls, in_flight, sleep_s, kill_every_s=None):
    """Make so many calls, so many at once; meanwhile kill processes at random."""
    ids, answers, killed = iter(range(calls)), {}, []

    async def caller(invoker, record):
        for id_ in ids:
            event = {"id": id_, "record": str(record), "sleep": sleep_s()}
            answers[id_] = await invoker.invoke(name, json.dumps(event).encode())

    async def run(record):
        async with Invoker(served.target, in_flight=in_flight) as invoker:
            killing = asyncio.create_task(_kill(served, kill_every_s, killed))
            async with asyncio.TaskGroup() as group:
                for _ in range(in_flight):
                    group.create_task(caller(invoker, record))
            killing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await killing

    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        record = Path(folder, "record")
        asyncio.run(run(record))
        runs = collections.Counter(map(int, record.read_text().split()))
    assert len(answers) == calls
    return Trial(answers, runs, len(killed))


async def _kill(served, every_s, killed):
    while every_s is not None:
        await asyncio.sleep(every_s)
        if environments := environments_of(served.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                chosen = random.choice(environments)
                chosen.kill()
                killed.append(chosen.pid)


def settle(served, descriptors):
    """Wait until connections are closed and no more are open than before."""
    eventually(lambda: served.descriptors() <= descriptors)
