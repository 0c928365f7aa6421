"""What a run says and keeps when a process that it started dies."""

import subprocess
import sys
from unittest.mock import MagicMock

import psutil
import pytest
from tests.support.child_processes import child_with, family_of, kill
from tests.support.held_origin import HeldOrigin
from tests.support.interrupted_run import REPORTED, held, lines
from tests.support.notebook_cells import resume_in_process, run_cells
from tests.support.waiting import WAIT_S, eventually

from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import read_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.session import Session, open_session
from local_aws.endpoint_error import EndpointError
from origin.nginx import is_installed

LONG = {"files": 20_000, "shards_per_execution": 1_000}


def failed(folder, reports, *killed, notebook="20_fan_out", cell="", **parameters):
    """Kill a child of a notebook's command after some reports; return what it says."""
    ledger = folder / cell / "reports.jsonl"
    given = {"run_folder": folder, **parameters}
    options = [str(word) for one in given.items() for word in ("-p", *one)]
    with subprocess.Popen(
        [sys.executable, "-m", "experiment", notebook, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        try:
            eventually(
                lambda: lines(ledger) >= reports or command.poll() is not None,
                within_s=WAIT_S,
            )
            assert command.poll() is None, "it ended too soon"
            kill(child_with(command.pid, *killed))
            _, said = command.communicate(timeout=WAIT_S)
        finally:
            command.kill()
    assert command.returncode == 1
    return said


def check_goes_on(folder, said, files, **more):
    """Its end names how it goes on, and so it does."""
    assert "Cannot connect" not in said
    assert f"Resume with: python -m experiment resume {folder}\n" in said
    resume_in_process(folder, retry_failed="true", **more)
    assert read_run(folder)["totals"]["counts"]["ok"] == files


def reported(folder):
    return sum(bool(one.report) for one in read_invocations(folder))


def test_a_run_whose_endpoint_dies_names_it_and_goes_on_later(
    tmp_path, endpoint, capsys
):
    """
    It stood still for a minute, and could not connect to a host.
    """
    folder = tmp_path / "run"
    with HeldOrigin(served=2 * REPORTED) as origin:
        said = failed(folder, REPORTED, "serve", **held(origin.url))

        assert "ended by itself (signal 9). Its last words: nothing." in said
        assert reported(folder) == REPORTED
        origin.open.set()
        check_goes_on(folder, said, files=40, endpoint_url=endpoint.endpoint_url)
    assert "40 of 40 files are ok" in capsys.readouterr().out


@pytest.mark.soak
def test_a_run_whose_origin_dies_names_it_and_goes_on_later(tmp_path):
    folder = tmp_path / "run"
    said = failed(folder, 6, "origin", **LONG)

    assert "ended by itself (signal 9). `rollout serve` starts" in said
    assert reported(folder) > 5
    check_goes_on(folder, said, files=LONG["files"])


@pytest.mark.soak
def test_a_grid_whose_endpoint_dies_names_it(tmp_path):
    """
    Its cells run in another process, which did not start the endpoint.
    """
    folder, cell = tmp_path / "run", "1kB-c2-cold-r1"
    one = {"file_kb": "[1]", "concurrency": "[2]", "repeats": 1}
    where = {"notebook": "30_grid", "cell": cell}
    said = failed(folder, 6, "serve", "--origin", **LONG, **one, **where)

    assert "The local endpoint ended by itself (signal 9)" in said
    assert reported(folder / cell) > 5


@pytest.mark.skipif(not is_installed(), reason="nginx is not installed")
def test_a_session_starts_an_nginx_if_asked_to_and_names_it_if_it_dies(endpoint):
    settings = FanOutSettings(endpoint_url=endpoint.endpoint_url, origin="nginx")
    session = open_session(settings)
    assert session.origin.startswith("nginx ")
    assert session.requests() == 0
    assert session.template(settings).endswith("/10000/{number}.jpg")
    session.target.check_alive(0.0)
    children = psutil.Process().children()  # its title replaces its command line
    (nginx,) = (child for child in children if child.name() == "nginx")
    for process in family_of(nginx.pid):  # its workers would answer on
        kill(process)

    with pytest.raises(EndpointError, match=r"nginx .* ended by itself \(signal 9\)"):
        session.target.check_alive(0.0)
    assert session.requests() is None
    session.close()


def test_the_end_of_an_endpoint_is_seen_though_its_origin_lives(monkeypatch):
    """
    One that lives was waited for first: 15 s for nginx, before the endpoint's turn.
    """
    origin = MagicMock(url="http://127.0.0.1:1", version="1")
    origin.__enter__.return_value = origin
    monkeypatch.setattr("experiment.session._nginx", lambda _: origin)
    others = set(psutil.Process().children())
    session = open_session(FanOutSettings())
    (endpoint,) = set(psutil.Process().children()) - others
    kill(endpoint)

    with pytest.raises(EndpointError, match=r"ended by itself \(signal 9\)"):
        session.target.check_alive(60.0)
    assert {one.args for one in origin.check.call_args_list} == {(0.0,)}
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
        ours = descendants() - others
        (one,) = (one for one in ours if set(words) <= set(one.cmdline()))
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
