"""Runs made by hand, to be read back."""

import pytest
from tests.support.recorded_invocations import MANY, urls

from experiment.ledger.run_folder import open_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.run_plan import Plan


@pytest.fixture
def measured(tmp_path):
    """Make a finished run by hand; it is closed whatever happens."""
    opened = []

    def made(name, *invocations, kind=FanOutSettings, files=MANY, **settings):
        settings = kind(files=files, **settings)
        run = open_run("made", settings, tmp_path / name, region="here")
        opened.append(run)
        for one in invocations:
            run.reports.append(one)
        plan = Plan(run.folder, settings, urls((0, files)), allow_private=True)
        return run, plan

    yield made
    for run in opened:
        run.close(verdict="")
