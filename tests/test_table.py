"""Tables: one row per URL, one per invocation, and figures that add up."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.invocations import SENT_AT, done, invocation, urls

from experiment.settings import FanOutSettings
from experiment.table import (
    AccountError,
    check,
    downloads_table,
    runs_table,
    shards_table,
    totals,
)
from fetcher.outcome import Outcome
from fetcher.source import numbers_in

MANY = 12
WHOLE = urls((0, MANY))
ENDS = st.none() | st.sampled_from(
    [outcome for outcome in Outcome if outcome is not Outcome.UNSTARTED]
).map(done)


def table_of(*invocations, source=WHOLE):
    return downloads_table(invocations, source, run="a run", target="local")


@st.composite
def ledgers(draw):
    """
    Waves as a fan-out makes them: each asks again for what has no outcome of its own.
    """
    left, invocations, expected = list(range(MANY)), [], {}
    for wave in range(draw(st.integers(1, 3))):
        cut = draw(st.integers(0, len(left)))
        again = []
        for shard, numbers in enumerate(filter(None, (left[:cut], left[cut:]))):
            source = WHOLE.pick(numbers)
            ends = [draw(ENDS) for _ in numbers]
            error = draw(st.sampled_from(["", "", "it died"]))
            invocations.append(
                invocation(source, ends, shard=shard, wave=wave, error=error)
            )
            for number, end in zip(numbers, ends, strict=True):
                if error or end is None:
                    again.append(number)
                else:
                    expected[number] = end.outcome
        left = sorted(again)
        if not left:
            break
    return draw(st.permutations(invocations)), expected


@given(ledgers())
def test_whatever_happened_each_url_has_one_row_and_one_outcome(ledger):
    """
    Waves, lost executions, answers in any order: nothing is counted twice or lost.
    """
    invocations, expected = ledger
    table = table_of(*invocations)
    figures = totals(table, invocations)

    check(table, figures, MANY)
    assert table["number"].tolist() == list(range(MANY))
    assert table["outcome"].tolist() == [
        expected.get(number, Outcome.UNSTARTED).value for number in range(MANY)
    ]


def test_a_row_says_everything_about_its_url():
    missing = done(Outcome.HTTP_STATUS, status=404, body_bytes=9, attempts=2)
    table = table_of(invocation(WHOLE, [done(), missing, *[done()] * 10], shard=3))
    row = table.iloc[1]

    assert row.drop(["seconds", "started_at"]).to_dict() == {
        "run": "a run",
        "target": "local",
        "number": 1,
        "url": "http://127.0.0.1:1/1000/1.jpg",
        "outcome": "http_status",
        "status": 404,
        "body_bytes": 9,
        "attempts": 2,
        "wave": 0,
        "shard": 3,
        "detail": "it ended http_status",
    }
    assert row["seconds"] == pytest.approx(0.01)
    assert row["started_at"] == pytest.approx(SENT_AT + 0.5 + 0.25 + 0.5)


def test_the_last_wave_that_answered_decides():
    first = invocation(WHOLE, [done(), *[None] * 11])
    second = invocation(WHOLE.pick(range(1, 12)), wave=1, shard=7)
    table = table_of(second, first)

    assert (table["outcome"] == "ok").all()
    assert table["wave"].tolist() == [0, *[1] * 11]
    assert (table["detail"] == "").all()


def test_urls_of_a_lost_execution_are_unstarted_and_say_why():
    table = table_of(
        invocation(WHOLE.part(0, 6)), invocation(WHOLE.part(6, 6), error="it died")
    )

    assert table["outcome"].value_counts()["unstarted"] == 6
    assert table["detail"].tolist() == [""] * 6 + ["it died"] * 6
    assert table["started_at"][6:].isna().all()


def test_urls_nobody_was_asked_for_are_unstarted():
    table = table_of(invocation(WHOLE.part(0, 1)))

    assert table["outcome"].tolist() == ["ok", *["unstarted"] * 11]


def test_numbers_with_gaps_find_their_rows():
    """
    A pick of a pick has numbers with holes in them.
    """
    source = urls((3, 2), (9, 1), (20, 3))
    ends = [done(body_bytes=number) for number in numbers_in(source.ranges)]
    table = table_of(invocation(source, ends), source=source)

    assert table["body_bytes"].tolist() == table["number"].tolist()


def test_a_row_per_invocation_in_the_order_sent():
    later = invocation(WHOLE.part(0, 6), shard=0, sent_at=SENT_AT + 9)
    sooner = invocation(WHOLE.part(6, 6), shard=1)
    table = shards_table([later, sooner], run="a run", target="local")

    assert table["shard"].tolist() == [1, 0]
    assert table["files"].tolist() == [6, 6]
    assert table["ok"].tolist() == [6, 6]
    assert table["run"].unique().tolist() == ["a run"]
    moments = table[
        [
            "queued_at",
            "invoked_at",
            "started_at",
            "downloading_at",
            "downloaded_at",
            "answered_at",
        ]
    ]
    assert moments.apply(lambda row: row.is_monotonic_increasing, axis=1).all()


def test_a_lost_invocation_has_a_row_with_its_error(tmp_path):
    lost = invocation(WHOLE.part(0, 6), error="it died")
    table = shards_table(
        [lost, invocation(WHOLE.part(6, 6), shard=1)], run="r", target="local"
    )
    row = table.iloc[0]

    assert row["error"] == "it died"
    assert row["files"] == 6
    assert row["ok"] == 0
    assert math.isnan(row["downloading_at"])
    table.to_parquet(tmp_path / "t.parquet")
    assert len(pd.read_parquet(tmp_path / "t.parquet")) == 2


def test_a_run_whose_executions_were_all_lost_still_has_tables(tmp_path):
    lost = [invocation(WHOLE, error="it died")]
    table = shards_table(lost, run="r", target="local")
    figures = totals(table_of(*lost), lost)

    table.to_parquet(tmp_path / "t.parquet")
    assert figures["counts"]["unstarted"] == MANY
    assert figures["files_per_s"] == 0
    assert figures["failed_invocations"] == 1
    assert math.isnan(figures["p50_s"])


def test_the_clock_runs_from_the_first_request_to_the_last_answer():
    invocations = [
        invocation(WHOLE.part(0, 6)),
        invocation(WHOLE.part(6, 6), shard=1, sent_at=SENT_AT + 2),
    ]
    figures = totals(table_of(*invocations), invocations)

    assert figures["wall_s"] == pytest.approx(4)
    assert figures["files_per_s"] == pytest.approx(MANY / 4)
    assert figures["mb_per_s"] == pytest.approx(MANY * 1_000 / 4 / 1e6)
    assert figures["cpu_us_per_file"] == pytest.approx(1e6 / MANY)
    assert figures["throttles"] == 2
    assert (figures["invocations"], figures["failed_invocations"]) == (2, 0)
    assert figures["p50_s"] == pytest.approx(0.01, rel=0.03)


def test_only_whole_files_count_as_speed():
    cut = done(Outcome.CUT, body_bytes=500)
    invocations = [invocation(WHOLE, [done(), cut] * 6)]
    figures = totals(table_of(*invocations), invocations)

    assert figures["files_per_s"] == pytest.approx(6 / 2)
    assert figures["body_bytes"] == 6_000
    assert figures["counts"]["cut"] == 6


def test_counts_have_every_outcome_and_sum_to_the_files():
    invocations = [invocation(WHOLE)]
    counts = totals(table_of(*invocations), invocations)["counts"]

    assert set(counts) == {outcome.value for outcome in Outcome}
    assert sum(counts.values()) == MANY


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.iloc[1:],
        lambda table: pd.concat([table, table.iloc[:1]]),
        lambda table: table.assign(number=[0, *range(MANY - 1)]),
    ],
    ids=["missing", "one too many", "doubled"],
)
def test_rows_that_do_not_account_for_every_url_are_an_error(spoil):
    invocations = [invocation(WHOLE)]
    table = table_of(*invocations)
    figures = totals(table, invocations)

    with pytest.raises(AccountError, match="12 files were planned"):
        check(spoil(table), figures, MANY)


def test_outcomes_that_do_not_sum_are_an_error():
    figures = {"counts": {"ok": 11}}

    with pytest.raises(AccountError, match="sum to 11, not to the 12 files planned"):
        check(table_of(invocation(WHOLE)), figures, MANY)


def test_a_row_per_run_has_what_was_set_and_what_came_out():
    invocations = [invocation(WHOLE, [done(Outcome.CUT), *[done()] * 11])]
    settings = FanOutSettings(files=MANY, file_kb=3, repeat=2)
    record = {
        "run": "r",
        "target": "local",
        "machine": {"name": "a machine"},
        "settings": settings.to_dict(),
        "totals": totals(table_of(*invocations), invocations),
    }
    row = runs_table([record]).iloc[0]

    assert (row["ok"], row["not_ok"]) == (11, 1)
    assert (row["file_kb"], row["concurrency"], row["repeat"]) == (3, 2, 2)
    assert row["machine"] == "a machine"
    assert "counts" in record["totals"]  # the record was not emptied
