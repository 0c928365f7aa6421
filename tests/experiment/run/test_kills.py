"""
Whatever is killed in the middle of a run, no file is lost, and none comes twice.

Short forms: test_resume.py, test_wave.py and test_deaths.py.
"""

import json
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest
from tests.support import child_processes
from tests.support.child_processes import child_with, environments_of
from tests.support.counting_origin import asked
from tests.support.interrupted_run import lines
from tests.support.waiting import WAIT_S, eventually

from experiment.ledger.download_array import OK, rows_of
from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.number_set import numbers_of
from experiment.ledger.run_folder import read_run

HERE = Path(child_processes.__file__).parent
STOPPED_S = 3
FILES, SHARDS = 3_000, 100


@contextmanager
def running(*command, name):
    """
    Run a command that prints its address in a line of JSON; yield both.

    What is started meanwhile finds its key pair, if it prints one.
    """
    with (
        child_processes.started(*command) as (process, line),
        pytest.MonkeyPatch.context() as patch,
    ):
        printed = json.loads(line)
        for part in set(printed) & {"access_key_id", "secret_access_key"}:
            patch.setenv(f"AWS_{part.upper()}", printed[part])
        yield process, printed[name]


def origin():
    return running(HERE / "counting_origin.py", name="origin_url")


def endpoint():
    return running("-m", "rollout", "serve", name="endpoint_url")


class Trial:
    """
    One run of some seconds.

    Args:
        folder: Where its results go.

        origin_url: What it downloads from.
    """

    def __init__(self, folder, origin_url):
        self.folder = folder
        self.origin_url = origin_url
        self.settings = {
            "url_template": f"{origin_url}/1000/{{number}}.jpg?latency_ms=2",
            "allow_private": True,
            "files": FILES,
            "connections": 2,
            "concurrency": 2,
            "shards_per_execution": SHARDS // 2,
            "waves": 3,
            "hedge": False,  # it would fetch again on purpose
            "function": f"t-{folder.name}",
            "run_folder": str(folder),
        }

    def start(self, endpoint_url, **more):
        settings = self.settings | {"endpoint_url": endpoint_url} | more
        return started(HERE / "fan_out_alone.py", json.dumps(settings))

    def start_notebook(self, endpoint_url):
        settings = self.settings | {"endpoint_url": endpoint_url}
        given = [("-p", name, str(value)) for name, value in settings.items()]
        return started("-m", "experiment", "20_fan_out", *chain(*given))

    def wait_for_some(self, process):
        """Wait for a random number of lines in the ledger."""
        count = random.randrange(2, SHARDS * 3 // 4)

        def there():
            assert process.poll() is None, "it ended too soon"
            return lines(self.folder / "reports.jsonl") >= count

        eventually(there, within_s=WAIT_S, every_s=0.005)

    def note(self):
        """Keep in mind what is reported as ok, and how often that was asked for."""
        self.reported = {
            number
            for done in read_invocations(self.folder)
            if done.report
            for number in numbers_of(done.ranges)[
                rows_of(done.report.downloads)["outcome"] == OK
            ].tolist()
        }
        before = asked(self.origin_url)
        self.asked_before = {number: before[number] for number in self.reported}

    def check(self):
        """Every file is accounted for once, and what was reported was left alone."""
        table = pd.read_parquet(self.folder / "downloads.parquet")
        after = asked(self.origin_url)

        assert (table["outcome"] == "ok").all(), table["outcome"].value_counts()
        assert table["number"].tolist() == list(range(FILES))
        assert table["url"].nunique() == FILES
        assert table["body_bytes"].sum() == 1_000 * FILES
        assert "ended" in read_run(self.folder)
        assert 0 < len(self.reported) < FILES
        assert {n: after[n] for n in self.reported} == self.asked_before


def started(*command):
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def finish(process, status=0):
    try:
        assert process.wait(WAIT_S) == status
    finally:
        process.kill()
        process.wait()


@contextmanager
def at_work(trial, *, in_notebook=False):
    """Run it until there are some reports; yield the endpoint, its URL and the run."""
    with endpoint() as (server, url):
        process = trial.start_notebook(url) if in_notebook else trial.start(url)
        trial.wait_for_some(process)
        yield server, url, process


def kill_the_fan_out(trial, _origin):
    with at_work(trial) as (_, url, process):
        process.kill()
        process.wait()
        trial.note()
        finish(trial.start(url, resume=True))


def kill_the_kernel(trial, _origin):
    """The command says that it failed, and how the run goes on."""
    with at_work(trial, in_notebook=True) as (_, _, process):
        child_with(process.pid, "ipykernel_launcher").kill()
        finish(process, status=1)
        trial.note()
        finish(started("-m", "experiment", "resume", trial.folder))


def kill_an_execution(trial, _origin):
    with at_work(trial) as (server, _, process):
        trial.note()
        random.choice(environments_of(server.pid)).kill()
        finish(process)


def kill_the_endpoint(trial, _origin):
    with at_work(trial) as (server, _, process):
        server.kill()
        server.wait()
        finish(process, status=1)
    trial.note()
    with endpoint() as (_, url):
        finish(trial.start(url, resume=True))


def stop_the_origin(trial, origin):
    with at_work(trial) as (_, _, process):
        origin.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        origin.send_signal(signal.SIGCONT)
        trial.note()
        finish(process)


KILLS = (
    kill_the_fan_out,
    kill_the_kernel,
    kill_an_execution,
    kill_the_endpoint,
    stop_the_origin,
)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(20))
def test_a_run_goes_on_after_a_kill(tmp_path, number):
    with origin() as (process, url):
        trial = Trial(tmp_path / f"run-{number}", url)
        KILLS[number % len(KILLS)](trial, process)
        trial.check()
