"""What a run says and keeps when a process that it started dies."""

import subprocess
import sys
from contextlib import nullcontext

import psutil
import pytest
from tests.support.child_processes import child_with, family_of, kill
from tests.support.held_origin import HeldOrigin
from tests.support.interrupted_run import REPORTED, held, lines
from tests.support.notebook_cells import resume_in_process, run_cells
from tests.support.waiting import WAIT_S, eventually

from experiment.ledger.reports import read_invocations
from experiment.ledger.run_folder import read_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.session import Session, open_session
from local_aws.errors import EndpointError
from origin.nginx import is_installed

LONG = {"files": 20_000, "shards_per_execution": 1_000}


class Command:
    """
    `python -m experiment`, at work.

    Args:
        folder: For its results.

        notebook: Its name.

        parameters: Of the notebook.
    """

    def __init__(self, folder, notebook="20_fan_out", **parameters):
        given = {"run_folder": folder, **parameters}
        options = [str(word) for one in given.items() for word in ("-p", *one)]
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "experiment", notebook, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, moment):
        ended = self._process.poll
        eventually(lambda: moment() or ended() is not None, within_s=WAIT_S)
        assert self._process.poll() is None, "it ended too soon"

    def kill_child(self, *words):
        kill(child_with(self._process.pid, *words))

    def finish(self):
        try:
            self.out, self.err = self._process.communicate(timeout=WAIT_S)
        finally:
            self._process.kill()
        return self._process.returncode


def check_goes_on(run, files, **more):
    """Its end names how it goes on, and so it does."""
    assert "Cannot connect" not in run.err
    assert f"Resume with: python -m experiment resume {run.folder}\n" in run.err
    resume_in_process(run.folder, retry_failed="true", **more)
    assert read_run(run.folder)["totals"]["counts"]["ok"] == files


def test_a_run_whose_endpoint_dies_names_it_and_goes_on_later(
    tmp_path, endpoint, capsys
):
    """
    It stood still for a minute, and could not connect to a host.
    """
    with HeldOrigin(served=2 * REPORTED) as origin:
        run = Command(tmp_path / "run", **held(origin.url))
        run.wait_for(lambda: lines(run.folder / "reports.jsonl") == REPORTED)
        run.kill_child("serve")

        assert run.finish() == 1
        assert "ended by itself (signal 9). Its last words: nothing." in run.err
        done = read_invocations(run.folder)
        assert sum(bool(one.report) for one in done) == REPORTED
        origin.open.set()
        check_goes_on(run, files=40, endpoint_url=endpoint.endpoint_url)
    assert "40 of 40 files are ok" in capsys.readouterr().out


@pytest.mark.soak
def test_a_run_whose_origin_dies_names_it_and_goes_on_later(tmp_path):
    run = Command(tmp_path / "run", **LONG)
    run.wait_for(lambda: lines(run.folder / "reports.jsonl") > 5)
    run.kill_child("origin")

    assert run.finish() == 1
    assert "ended by itself (signal 9). `rollout serve` starts" in run.err
    assert sum(bool(one.report) for one in read_invocations(run.folder)) > 5
    check_goes_on(run, files=LONG["files"])


@pytest.mark.soak
def test_a_grid_whose_endpoint_dies_names_it(tmp_path):
    """
    Its cells run in another process, which did not start the endpoint.
    """
    one = {"file_kb": "[1]", "concurrency": "[2]", "repeats": 1}
    run = Command(tmp_path / "run", "30_grid", **LONG, **one)
    cell = run.folder / "1kB-c2-r1"
    run.wait_for(lambda: lines(cell / "reports.jsonl") > 5)
    run.kill_child("serve", "--origin")

    assert run.finish() == 1
    assert "The local endpoint ended by itself (signal 9)" in run.err
    assert len(list(read_invocations(cell))) > 5


@pytest.mark.skipif(not is_installed(), reason="nginx is not installed")
def test_a_session_names_an_nginx_that_dies(endpoint):
    settings = FanOutSettings(endpoint_url=endpoint.endpoint_url, origin="nginx")
    session = open_session(settings)
    session.target.check_alive(0.0)
    children = psutil.Process().children()  # its title replaces its command line
    (nginx,) = (child for child in children if child.name() == "nginx")
    for process in family_of(nginx.pid):  # its workers would answer on
        kill(process)

    with pytest.raises(EndpointError, match=r"nginx .* ended by itself \(signal 9\)"):
        session.target.check_alive(0.0)
    assert session.requests() is None
    session.close()


class LivingOrigin(nullcontext):
    """Stands for an nginx that outlives the endpoint."""

    url, version = "http://127.0.0.1:1", "1"

    def __enter__(self):
        self.waits = []
        return self

    def check(self, within_s):
        self.waits.append(within_s)


def test_the_end_of_an_endpoint_is_seen_though_its_origin_lives(monkeypatch):
    """
    One that lives was waited for first: 15 s for nginx, before the endpoint's turn.
    """
    origin = LivingOrigin()
    monkeypatch.setattr("experiment.session._nginx", lambda _: origin)
    others = set(psutil.Process().children())
    session = open_session(FanOutSettings())
    (endpoint,) = set(psutil.Process().children()) - others
    kill(endpoint)

    with pytest.raises(EndpointError, match=r"ended by itself \(signal 9\)"):
        session.target.check_alive(60.0)
    assert set(origin.waits) == {0.0}
    with pytest.raises(EndpointError):
        session.close()


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "--origin"],
        pytest.param(["local_aws.moto_main"], marks=pytest.mark.soak),
    ],
)
def test_what_dies_when_every_file_is_accounted_for_does_not_cost_the_result(
    tmp_path, monkeypatch, capsys, words
):
    """
    What is left to do then is to remove what ends by itself.
    """
    folder, end, others = tmp_path / "run", Session.end, descendants()

    def killed(session, function):
        (one,) = (one for one in descendants() - others if has(one, words))
        kill(one)
        return end(session, function)

    monkeypatch.setattr(Session, "end", killed)
    run_cells("20_fan_out", {"files": 40, "run_folder": str(folder)})
    said = capsys.readouterr().out

    assert "40 of 40 files are ok" in said
    assert said.count("Warning: ") == 1
    assert {"ended", "verdict"} <= read_run(folder).keys()


def descendants():
    return set(psutil.Process().children(recursive=True))


def has(process, words):
    return set(words) <= set(process.cmdline())
