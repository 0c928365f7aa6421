"""What a run came to: read back, checked, saved; a grid's is its runs' together."""

from dataclasses import replace

import pandas as pd
import pytest
from tests.support.full_disk import no_file_larger_than
from tests.support.recorded_invocations import (
    MANY,
    WHOLE,
    done,
    invocation,
    part,
    report,
    urls,
)

from experiment.ledger.invocation import LedgerError
from experiment.ledger.run_folder import read_run
from experiment.parameters.grid import GridSettings
from experiment.tables import outcome_merging
from experiment.tables import run_result as result_module
from experiment.tables.outcome_merging import AccountError
from experiment.tables.run_result import result_of, result_of_grid, saved_result
from experiment.tables.verdict import verdict
from fetcher.contract.outcome import Outcome


@pytest.mark.parametrize(
    ("target", "stand_in", "not_modelled"),
    [
        ("aws", "", None),
        ("local", "", "local"),
        ("aws", "http://127.0.0.1:4566", "http://127.0.0.1:4566"),
    ],
)
def test_only_a_run_on_aws_itself_is_kept_beside_what_the_model_forecast(
    measured, target, stand_in, not_modelled
):
    run, plan = measured("run", invocation(WHOLE), target=target)
    run.record["stand_in"] = stand_in
    result_of(run, plan)

    told = run.record["forecast"]
    assert told.get("not_modelled") == not_modelled
    if not not_modelled:
        wall_s = run.record["totals"]["wall_s"]
        assert told["low_s"] <= told["median_s"] <= told["high_s"]
        assert told["measured_to_median"] == pytest.approx(wall_s / told["median_s"])


def test_warm_executions_are_forecast_as_warm(measured):
    """
    The reports are alike but for the cold start, which takes longer than the downloads.
    """
    medians = {}
    for cold in (True, False):
        answer = report(WHOLE, [done()] * MANY, cold=cold)
        one = invocation(WHOLE)._replace(report=answer)
        run, plan = measured(f"run-{cold}", one, target="aws")
        result_of(run, plan)
        medians[cold] = run.record["forecast"]["median_s"]

    assert medians[False] < medians[True]


def test_a_result_accounts_for_every_url_and_is_saved_as_it_is(measured):
    lost = invocation(part(WHOLE, 6, 6), shard=1, error="died")
    run, plan = measured("run", invocation(part(WHOLE, 0, 6), hedges=1), lost)
    result = result_of(run, plan)
    run.close(verdict="done")
    totals, again = read_run(run.folder)["totals"], saved_result(run.folder)
    saved = pd.read_parquet(run.folder / "downloads.parquet")

    assert saved["number"].tolist() == list(range(MANY))
    assert saved["outcome"].tolist() == ["ok"] * 6 + ["unstarted"] * 6
    assert {*saved["target"], *result.shards["target"]} == {"local"}
    assert result.shards["hedges"].tolist() == [1, 0]
    columns = ["ok", "not_ok", "hedges", "target"]
    assert result.runs[columns].to_numpy().tolist() == [[6, 6, 1, "local"]]
    assert result.where.startswith("target: local, this machine")
    assert result.where.endswith("12 files a run")
    assert totals["files"] == sum(totals["counts"].values()) == MANY
    assert again.counts == result.counts
    for name in ("downloads", "shards", "runs"):
        tables = getattr(again, name), getattr(result, name)
        pd.testing.assert_frame_equal(*tables, check_dtype=False)


def test_the_users_own_files_are_as_large_as_they_were_on_average(measured):
    """
    A verdict on somebody's list must not speak of the origin's files.
    """
    ends = [done(body_bytes=2_000), done(Outcome.CUT, body_bytes=9), None] * 4
    run, plan = measured("run", invocation(WHOLE, ends), url_template="h/{number}")
    result = result_of(run, plan)

    assert result.runs["file_kb"].tolist() == [2.0]
    assert "1M files of 2 kB" in verdict(result.runs)


def test_a_result_says_what_is_not_ok_and_why(measured):
    """
    Twenty blocked files were "20 failed", and nothing led to allow_private.
    """
    blocked = done(Outcome.BLOCKED, body_bytes=0, detail="127.0.0.1 is private")
    ends = [blocked, done(), done(Outcome.CUT), blocked, *[done()] * 8]
    run, plan = measured("run", invocation(WHOLE, ends))
    first, *others = result_of(run, plan).outcomes().splitlines()

    assert first == "9 of 12 files are ok"
    assert others[:2] == [
        "blocked: 2, as in http://127.0.0.1:1/1000/0.jpg: 127.0.0.1 is private",
        "cut: 1, as in http://127.0.0.1:1/1000/2.jpg: it ended cut",
    ]
    assert others[2].startswith("If these addresses are meant, set allow_private in")
    assert len(others) == 3


def test_a_grid_puts_its_runs_together(measured):
    """
    A cell in which every execution was lost is still a row.
    """
    run, _ = measured("grid", kind=GridSettings, concurrency=[1, 3], file_kb=[5])
    records = []
    for concurrency, error in ((1, ""), (3, "it died")):
        cell, plan = measured(
            f"grid/c{concurrency}",
            invocation(WHOLE, error=error),
            concurrency=concurrency,
            file_kb=5,
        )
        result_of(cell, plan)
        cell.close(verdict="")
        records.append(read_run(cell.folder))
    result = result_of_grid(run, records)

    assert len(result.downloads) == 2 * MANY
    assert (result.downloads["file_kb"] == 5).all()
    assert result.runs["concurrency"].tolist() == [1, 3]
    assert run.record["totals"]["runs"] == 2
    assert run.record["totals"]["files"] == 2 * MANY
    assert run.record["totals"]["counts"]["ok"] == MANY
    assert run.record["totals"]["counts"]["unstarted"] == MANY
    assert result.widest_shards["run"].unique().tolist() == ["c3"]
    assert result.widest_setting == "Concurrency 3, 5 kB files, run 1"
    assert pd.read_parquet(run.folder / "downloads.parquet")["run"].nunique() == 2


@pytest.mark.parametrize(
    ("dealt", "wrong"),
    [
        ([(0, 6, 0), (0, 6, 0)], "was requested twice in one wave"),
        ([(0, 11, 0)], "1 of 12 URLs have not been requested yet. Resume the run"),
        ([(0, 12, 0), (6, 6, 0)], "was requested twice in one wave"),
        ([(0, 12, 0), (0, 1, 1)], "again after it was ok"),
    ],
)
def test_urls_dealt_twice_or_never_are_noticed(measured, dealt, wrong):
    """
    Tables have a row per URL whatever was asked for: only the ledger can tell.
    """
    asked = (invocation(part(WHOLE, *some), wave=wave) for *some, wave in dealt)
    run, plan = measured("run", *asked)

    with pytest.raises(AccountError, match=wrong):
        result_of(run, plan)


def test_a_long_table_is_written_in_pieces_and_held_in_part(measured, monkeypatch):
    """
    A hundred million rows do not fit into memory, and no chart needs them.
    """
    monkeypatch.setattr(outcome_merging, "BLOCK", 5)
    monkeypatch.setattr(result_module, "SAMPLE", 4)
    ends = [done(), done(Outcome.CUT)] * 6
    run, plan = measured("run", invocation(WHOLE, ends))
    made = result_of(run, plan)
    saved = pd.read_parquet(run.folder / "downloads.parquet")

    assert saved["number"].tolist() == list(range(MANY))
    assert made.counts["ok"] == made.counts["cut"] == 6
    first, cut = made.outcomes().splitlines()
    assert first == "6 of 12 files are ok"
    assert cut.startswith("cut: 6, as in http://127.0.0.1:1/1000/1.jpg: ")
    drawn = saved.iloc[::3].reset_index(drop=True)[["file_kb", "outcome", "seconds"]]
    pd.testing.assert_frame_equal(drawn, made.downloads)


def test_a_run_of_many_urls_takes_little_room(measured):
    many, each = 200_000, 50_000
    shards = [urls((start, each)) for start in range(0, many, each)]
    answered = [invocation(one, shard=index) for index, one in enumerate(shards)]
    run, plan = measured("run", *answered, files=many)
    result_of(run, plan)
    folder = run.folder

    assert sum(path.stat().st_size for path in folder.iterdir()) < 60 * many
    assert pd.read_parquet(folder / "downloads.parquet")["url"].nunique() == many


def test_a_run_that_went_on_counts_the_time_it_worked(measured):
    """
    Nobody downloads while the machine is off.
    """
    later = invocation(part(WHOLE, 6, 6), wave=1, session=1, sent_at=1_800_000_000.0)
    run, plan = measured("run", invocation(part(WHOLE, 0, 6)), later)
    result = result_of(run, plan)

    assert run.record["totals"]["wall_s"] == pytest.approx(2 + 2)
    assert result.shards["session"].tolist() == [0, 1]


def test_only_failures_tried_again_leave_the_rest_unasked(measured):
    run, plan = measured("run", invocation(part(WHOLE, 0, 6)))
    again = replace(plan.settings, retry_failed=True, run_folder=str(run.folder))

    assert result_of(run, replace(plan, settings=again)).counts["unstarted"] == 6


def test_a_disk_too_full_for_the_table_is_told(measured):
    run, plan = measured("run", invocation(WHOLE))
    with no_file_larger_than(1_000), pytest.raises(LedgerError) as full:
        result_of(run, plan)

    assert "downloads.parquet cannot be written: File too large" in str(full.value)
    assert result_of(run, plan).counts["ok"] == MANY
