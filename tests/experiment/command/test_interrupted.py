"""Ctrl-C in `python -m experiment`: nothing is left running, and nothing is lost."""

import sys
import time
from types import ModuleType

import pytest
from tests.support.held_origin import HeldOrigin
from tests.support.http_proxy import HttpProxy
from tests.support.interrupted_run import REPORTED, Interrupted, held, lines

from experiment.__main__ import main
from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import read_run
from rollout.deploy.deployment import left
from rollout.target.connection import connect


@pytest.mark.soak
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_leaves_no_process_and_a_ledger_that_can_be_read(tmp_path, times):
    """
    What was reported until then is kept; kernel, endpoint and executions end.
    """
    with HeldOrigin(served=2 * REPORTED) as origin:
        interrupted = Interrupted(tmp_path, **held(origin.url))
        folder = interrupted.results
        status = interrupted.run(
            lambda: lines(folder / "reports.jsonl") == REPORTED, times=times
        )

        assert (status, interrupted.err) == (130, "")
        assert f"experiment: interrupted; the reports are in {folder}" in (
            interrupted.out
        )
        said = f"; resume with: python -m experiment resume {folder}\n"
        assert said in interrupted.out
        assert len(interrupted.family) > 3  # kernel, endpoint, executions at least
        interrupted.leaves_nothing_behind()
    assert len(list(read_invocations(folder))) == REPORTED
    assert "ended" not in read_run(folder)


class FarAway(HttpProxy):
    """Takes as long to remove a function as AWS may: longer than kernels are given."""

    removes = False

    def handle(self, request, body):
        if request.command == "DELETE":
            self.removes = True
            time.sleep(4)
        self.pass_on(request, body)


def test_ctrl_c_removes_the_function_where_the_endpoint_lives_on(tmp_path, endpoint):
    """
    As on AWS: there nothing ends with the run, so a function stayed, and kept working.

    The second Ctrl-C comes while the first is cleaned up after; it left files.
    """
    name = "t-interrupted"
    with (
        FarAway(endpoint.endpoint_url) as proxy,
        HeldOrigin(served=2 * REPORTED) as origin,
    ):
        interrupted = Interrupted(
            tmp_path, function=name, endpoint_url=proxy.url, **held(origin.url)
        )
        folder = interrupted.results
        status = interrupted.run(
            lambda: lines(folder / "reports.jsonl") == REPORTED,
            again=lambda: proxy.removes,
        )

        assert (status, interrupted.err) == (130, "")
        assert f"; resume with: python -m experiment resume {folder}\n" in (
            interrupted.out
        )
        interrupted.leaves_nothing_behind()
    assert left(connect("local", endpoint.endpoint_url), name) == []
    assert len(list(read_invocations(folder))) == REPORTED
    assert "ended" not in read_run(folder)


@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.soak), 2])
def test_ctrl_c_while_the_kernel_starts_leaves_nothing_at_all(tmp_path, times):
    """
    Neither its connection file nor a folder with no results is of use to anybody.
    """
    interrupted = Interrupted(tmp_path)
    status = interrupted.run(
        lambda: list(interrupted.scratch.glob("kernel-*/*")), times=times
    )

    assert (status, interrupted.err) == (130, "")
    assert interrupted.out.strip() == (
        "experiment: interrupted before there was any report"
    )
    interrupted.leaves_nothing_behind()
    assert not interrupted.results.exists()


def test_ctrl_c_while_modules_are_imported_shows_no_traceback(monkeypatch, capsys):
    """
    Importing papermill takes a second: long enough to think better of it.
    """

    class Slow(ModuleType):
        def __getattr__(self, name):
            raise KeyboardInterrupt

    name = "experiment.command.notebook_runner"
    monkeypatch.setitem(sys.modules, name, Slow(name))

    assert main(["20_fan_out"]) == 130
    assert "interrupted before there was any report" in capsys.readouterr().out
