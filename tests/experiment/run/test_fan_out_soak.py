"""
The fan-out's promises that take minutes: cost that stays flat, width, a wild list.

Each prints what it measured. They want a machine that does nothing else.
"""

import asyncio
import json
import time
from contextlib import closing
from statistics import fmean

import pandas as pd
import pytest

from experiment.ledger.run_folder import open_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.run_plan import make_plan
from experiment.run.fan_out import fan_out
from experiment.run.notebook_execution import execute
from experiment.session import open_session
from experiment.tables.projection.million_time import million_of
from experiment.tables.run_result import result_of
from origin.nginx import is_installed
from origin.wild import WildOrigin
from rollout.deploy.deployment import deploy, destroy

pytestmark = [pytest.mark.soak, pytest.mark.usefixtures("whole_zips")]
SERVED = {"origin": "nginx", "timeout_s": 300}
needs_nginx = pytest.mark.skipif(not is_installed(), reason="nginx is not installed")


def measured(folder, **settings):
    """Run one setting as the notebook does, and return its figures and tables."""
    wanted = FanOutSettings(run_folder=str(folder), **settings)
    with closing(open_session(wanted)) as session:
        plan = make_plan("40_million", wanted, session)
        deploy(session.target, plan.worker())
        run = open_run("40_million", plan.settings, plan.folder, region="here")
        asyncio.run(fan_out(plan, session.target, run, shows_progress=False))
        result = result_of(run, plan)
        run.close(verdict="")
        destroy(session.target, wanted.function)
    figures = run.record["totals"]
    print(
        f"\n{wanted.concurrency} executions × {wanted.connections} connections: "
        f"{figures['counts']['ok']:,} of {figures['files']:,} files in "
        f"{figures['wall_s']:.1f} s, {figures['cpu_us_per_file']:.1f} µs of CPU each, "
        f"{result.shards['peak_rss_bytes'].max() / 1e6:.0f} MB at most in an execution"
    )
    return figures, result


@needs_nginx
def test_a_file_costs_the_same_however_many_there_are(tmp_path):
    cost, memory = {}, {}
    for files in (10_000, 100_000, 1_000_000):
        figures, result = measured(
            tmp_path / str(files),
            files=files,
            connections=50,
            shards_per_execution=files // 10_000,  # of 5,000 files each
            tmp_mb=2_048,
            **SERVED,
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
            files=1_000_000,
            shards_per_execution=10,
            timeout_s=300,
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


@needs_nginx
@pytest.mark.parametrize(
    "settings",
    [
        {"concurrency": 1_000, "files": 100_000, "connections": 10, "memory_mb": 256},
        {"concurrency": 100, "files": 2_000, "connections": 100, "file_kb": 1_700},
    ],
    ids=["a thousand executions", "large files"],
)
def test_many_executions_at_once_lose_nothing(tmp_path, settings):
    alike = SERVED | {"shards_per_execution": 1}
    figures, result = measured(tmp_path / "wide", **alike, **settings)

    assert figures["counts"]["ok"] == settings["files"]
    assert figures["failed_invocations"] == 0
    # Some end before the last are begun, and serve twice.
    assert result.shards["execution"].nunique() > 0.8 * settings["concurrency"]


def seconds_until(downloads, shards, share):
    """Return how long the executions took for a share of the good files of each."""
    good = downloads[downloads["outcome"] == "ok"]
    ends = good.assign(at=good["started_at"] + good["seconds"])
    by_shard = ends.groupby(["wave", "shard"])["at"].quantile(share)
    starts = shards.set_index(["wave", "shard"])["started_at"]
    return (by_shard - starts.reindex(by_shard.index)).sum()


def test_executions_are_billed_for_little_but_good_files(tmp_path):
    """
    Each was billed for its whole 58 s, nine tenths of which it waited.
    """
    with WildOrigin(20_000, 5_000) as wild:
        listed = tmp_path / "urls.txt"
        wild.write_list(listed)
        how = {"concurrency": 4, "connections": 100, "sink": "discard"}
        url_list = {"url_list": str(listed), "allow_private": True}
        _, result = measured(tmp_path / "run", **how, **url_list)
    downloads = pd.read_parquet(tmp_path / "run" / "downloads.parquet")
    billed_s, shards = result.shards["billed_s"].sum(), result.shards
    good = {url.number for url in wild.web.urls if url.good}
    ok = set(downloads[downloads["outcome"] == "ok"]["number"])
    all_s, most_s = (seconds_until(downloads, shards, share) for share in (1, 0.95))
    columns = ["wave", "shard", "files", "ok", "unstarted", "billed_s"]
    print(f"\n{shards[columns].to_string()}")
    print(json.dumps(result.counts))
    print(
        f"billed {billed_s:.0f} s, good files {all_s:.0f} s, 95 % of them {most_s:.0f} "
        f"s; {len(ok & good):,} of {len(good):,} good files"
    )

    assert billed_s <= 2 * all_s
    assert len(downloads) == 20_000
    assert result.counts["unstarted"] == 0
    assert len(ok & good) >= 0.985 * len(good)
    assert set(shards["wave"]) == {0, 1}
