"""Tables: one row per invocation, one per run, and figures that add up."""

import pandas as pd
import pytest
from tests.support.chart_tables import shards
from tests.support.recorded_invocations import (
    MANY,
    SENT_AT,
    WHOLE,
    done,
    invocation,
    part,
)

from experiment.report.key_figures import key_figures
from experiment.tables.display_tables import run_summary
from experiment.tables.run_result import result_of
from experiment.tables.runs_table import runs_table
from fetcher.contract.outcome import Outcome

MOMENTS = "queued invoked started downloading downloaded answered"


@pytest.fixture
def record_of(measured):
    """Make a run with such a ledger, and return its record."""

    def recorded(*invocations):
        run, plan = measured("run", *invocations, file_kb=3, repeat=2)
        result_of(run, plan)
        return run.record

    return recorded


def test_a_row_per_invocation_in_the_order_sent():
    later = invocation(part(WHOLE, 0, 6), shard=0, sent_at=SENT_AT + 9)
    sooner = invocation(part(WHOLE, 6, 6), shard=1)
    table = shards(later, sooner)

    assert table["shard"].tolist() == [1, 0]
    assert table["files"].tolist() == [6, 6]
    assert table["ok"].tolist() == [6, 6]
    assert table["run"].unique().tolist() == ["r"]
    moments = table[[f"{name}_at" for name in MOMENTS.split()]]
    assert moments.apply(lambda row: row.is_monotonic_increasing, axis=1).all()


def test_rows_are_put_together_whatever_some_of_them_lack(monkeypatch, tmp_path):
    """
    A thousand lost executions in a row tell neither their start nor if it was cold.
    """
    monkeypatch.setattr("experiment.tables.shards_table._AT_ONCE", 2)
    lost = [invocation(part(WHOLE, n, 1), error="it died") for n in range(4)]
    table = shards(*lost, invocation(part(WHOLE, 4, 8)))
    table.to_parquet(tmp_path / "t.parquet")

    assert len(pd.read_parquet(tmp_path / "t.parquet")) == 5
    assert table["error"].tolist() == ["it died"] * 4 + [""]
    assert table["files"].tolist() == [1] * 4 + [8]
    assert table["ok"].tolist() == [0] * 4 + [8]
    assert table["cold"].tolist() == [None] * 4 + [False]
    assert table["downloading_at"].isna().tolist() == [True] * 4 + [False]
    assert table["ok"].dtype == "int64"


def test_the_clock_runs_from_the_first_request_to_the_last_answer(record_of):
    first = invocation(part(WHOLE, 0, 6))
    later = invocation(part(WHOLE, 6, 6), shard=1, sent_at=SENT_AT + 2)
    figures = record_of(first, later)["totals"]

    assert figures["wall_s"] == pytest.approx(4)
    assert figures["files_per_s"] == pytest.approx(MANY / 4)
    assert figures["mb_per_s"] == pytest.approx(MANY * 1_000 / 4 / 1e6)
    assert figures["cpu_us_per_file"] == pytest.approx(1e6 / MANY)
    assert figures["throttles"] == 2
    assert (figures["invocations"], figures["failed_invocations"]) == (2, 0)
    assert figures["p50_s"] == pytest.approx(0.01, rel=0.03)


def test_only_whole_files_count_as_speed(record_of):
    cut = done(Outcome.CUT, body_bytes=500)
    figures = record_of(invocation(WHOLE, [done(), cut] * 6))["totals"]
    counts = figures["counts"]

    assert figures["files_per_s"] == pytest.approx(6 / 2)
    assert figures["body_bytes"] == 6_000
    assert set(counts) == {outcome.value for outcome in Outcome}
    assert counts["cut"] == counts["ok"] == 6
    assert sum(counts.values()) == MANY


@pytest.mark.parametrize(
    "in_vain",
    [
        invocation(WHOLE, error="it died"),
        invocation(WHOLE, [done(Outcome.CONNECT)] * MANY),
    ],
    ids=["lost", "not connected"],
)
def test_a_run_in_which_no_file_arrived_has_figures_to_show(record_of, in_vain):
    """
    Its latencies are unknown; the notebook broke off there, and tore nothing down.
    """
    record = record_of(in_vain)
    runs, totals = runs_table([record]), record["totals"]

    assert totals["files_per_s"] == totals["counts"]["ok"] == 0
    assert totals["failed_invocations"] == bool(in_vain.error)
    assert totals["p50_s"] is totals["cpu_us_per_file"] is None
    figures = key_figures(record, runs)
    assert figures["half of the ok files within"] == "unknown"
    assert figures["CPU of the executions per file"] == "unknown"
    assert "50 % within unknown" in repr(run_summary(runs))


def test_a_row_per_run_has_what_was_set_and_what_came_out(record_of):
    record = record_of(invocation(WHOLE, [done(Outcome.CUT), *[done()] * 11]))
    row = runs_table([record]).iloc[0]

    assert (row["ok"], row["not_ok"]) == (11, 1)
    assert (row["file_kb"], row["concurrency"], row["repeat"]) == (3, 2, 2)
    assert row["machine"] == record["machine"]["name"]
    assert "counts" in record["totals"]  # the record was not emptied


@pytest.mark.parametrize("own", ["url_template", "url_list"])
def test_a_run_of_urls_of_ones_own_is_not_sized_by_what_sizes_the_origin(
    record_of, own
):
    """
    The advice for `files` led to a refusal: a template has no pilot.
    """
    record = record_of(invocation(WHOLE))
    record["settings"][own] = "mine"

    assert runs_table([record])["sized_by"].tolist() == [own]
