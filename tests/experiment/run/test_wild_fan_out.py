"""The fan-out of a list like those of the real web: what is billed, and what for."""

import asyncio
import json

import pandas as pd
import pytest

from experiment.ledger.reports import read_invocations
from experiment.ledger.run_folder import open_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.run_plan import make_plan
from experiment.run.fan_out import fan_out
from experiment.session import open_session
from experiment.tables.result import result_of
from origin.wild import WildOrigin
from rollout.deploy.deploy import deploy, destroy


def seconds_until(downloads, shards, share):
    """Return how long the executions took for a share of the good files of each."""
    good = downloads[downloads["outcome"] == "ok"]
    ends = good.assign(at=good["started_at"] + good["seconds"])
    by_shard = ends.groupby(["wave", "shard"])["at"].quantile(share)
    starts = shards.set_index(["wave", "shard"])["started_at"]
    return (by_shard - starts.reindex(by_shard.index)).sum()


@pytest.mark.soak
def test_executions_are_billed_for_little_but_good_files(tmp_path):
    """
    Each was billed for its whole 58 s, nine tenths of which it waited.
    """
    with WildOrigin(20_000, 5_000) as wild:
        listed = tmp_path / "urls.txt"
        wild.write_list(listed)
        settings = FanOutSettings(
            url_list=str(listed),
            allow_private=True,
            concurrency=4,
            connections=100,
            sink="discard",
            run_folder=str(tmp_path / "run"),
        )
        session = open_session(settings)
        plan = make_plan("20_fan_out", settings, session)
        deploy(session.target, plan.worker())
        run = open_run("20_fan_out", plan.settings, plan.folder, region="here")
        asyncio.run(fan_out(plan, session.target, run, shows_progress=False))
        result = result_of(run, plan)
        run.close(verdict="")
        destroy(session.target, settings.function)
        session.close()
    downloads = pd.read_parquet(plan.folder / "downloads.parquet")
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
    assert {done.wave for done in read_invocations(plan.folder)} == {0, 1}
