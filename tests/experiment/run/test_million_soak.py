"""
The million's promises that take minutes: cost that stays flat, and width.

Each prints what it measured. They want a machine that does nothing else.
"""

import asyncio
import time
from statistics import fmean

import pandas as pd
import pytest

from experiment.ledger.run_folder import open_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.run_plan import make_plan
from experiment.run.fan_out import fan_out
from experiment.run.kernels import execute
from experiment.session import open_session
from experiment.tables.result import result_of
from experiment.tables.verdict import million_of
from origin.nginx import is_installed
from rollout.deploy.deploy import deploy, destroy

pytestmark = [
    pytest.mark.soak,
    pytest.mark.usefixtures("whole_zips"),
    pytest.mark.skipif(not is_installed(), reason="nginx is not installed"),
]


def measured(folder, **settings):
    """Run one setting as the notebook does, and return its figures and tables."""
    always = {"origin": "nginx", "timeout_s": 300, "run_folder": str(folder)}
    wanted = FanOutSettings(**always | settings)
    session = open_session(wanted)
    try:
        plan = make_plan("40_million", wanted, session)
        deploy(session.target, wanted.worker())
        run = open_run("40_million", wanted, plan.folder, region="local")
        asyncio.run(fan_out(plan, session.target, run))
        result = result_of(run, plan)
        run.close(verdict="")
        destroy(session.target, wanted.function)
    finally:
        session.close()
    figures = run.record["totals"]
    print(
        f"\n{wanted.concurrency} executions × {wanted.connections} connections: "
        f"{figures['counts']['ok']:,} of {wanted.files:,} files in "
        f"{figures['wall_s']:.1f} s, {figures['cpu_us_per_file']:.1f} µs of CPU each, "
        f"{result.shards['peak_rss_bytes'].max() / 1e6:.0f} MB at most in an execution"
    )
    return figures, result


def test_a_file_costs_the_same_however_many_there_are(tmp_path):
    cost, memory = {}, {}
    for files in (10_000, 100_000, 1_000_000):
        figures, result = measured(
            tmp_path / str(files),
            files=files,
            connections=50,
            shards_per_execution=files // 10_000,  # of 5,000 files each
            tmp_mb=2_048,
        )
        cost[files] = figures["cpu_us_per_file"]
        memory[files] = result.shards["peak_rss_bytes"].max()

        assert figures["counts"]["ok"] == files

    assert max(cost.values()) <= 1.1 * min(cost.values())
    assert max(memory.values()) <= 1.1 * min(memory.values())


def test_default_notebooks_project_what_a_million_takes(tmp_path):
    """
    A machine may change its speed by a fifth within minutes: each projection is between
    two millions, and is compared with their mean.
    """

    def million(number):
        figures, _ = measured(
            tmp_path / f"million-{number}",
            origin="own",
            files=1_000_000,
            shards_per_execution=10,
            tmp_mb=2_048,
        )
        return figures["wall_s"]

    took_s, off = [million(0)], {}
    for name in ("20_fan_out", "40_million", "30_grid"):
        folder, began = tmp_path / name, time.monotonic()
        execute(name, folder / f"{name}.ipynb", {"run_folder": str(folder)})
        lasted_s = time.monotonic() - began
        runs = pd.read_parquet(folder / "runs.parquet")
        projected_s = million_of(runs[runs["concurrency"] == 2]).seconds
        took_s.append(million(len(took_s)))
        between_s = fmean(took_s[-2:])
        off[name] = projected_s / between_s - 1
        print(
            f"{name} ({lasted_s:.0f} s) projects {projected_s:.1f} s; a million took "
            f"{took_s[-2]:.1f} s before and {took_s[-1]:.1f} s after: {off[name]:+.1%}"
        )

    assert off == pytest.approx(dict.fromkeys(off, 0), abs=0.1)


@pytest.mark.parametrize(
    "settings",
    [
        {"concurrency": 1_000, "files": 100_000, "connections": 10, "memory_mb": 256},
        {"concurrency": 100, "files": 2_000, "connections": 100, "file_kb": 1_700},
    ],
    ids=["a thousand executions", "large files"],
)
def test_many_executions_at_once_lose_nothing(tmp_path, settings):
    figures, result = measured(tmp_path / "wide", shards_per_execution=1, **settings)

    assert figures["counts"]["ok"] == settings["files"]
    assert figures["failed_invocations"] == 0
    assert result.shards["execution"].nunique() > 0.9 * settings["concurrency"]
