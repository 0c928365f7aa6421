"""What is told about fleets: tables, charts, plans, and the checks behind them."""

import json
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from aws_facts.fleet_constants import constants
from experiment.charts import forecast_charts as draw
from experiment.fleet import report_tables, sensitivity, trade_offs, validation
from experiment.fleet.bottlenecks import LIMITS, SEVERAL
from experiment.fleet.forecast import forecast
from experiment.fleet.forecast_questions import question_of
from experiment.fleet.question import INTERNET, S3, S3_ELSEWHERE, Question
from experiment.fleet.sentences import asked_in_words
from experiment.ledger.invocation import SCHEMA
from experiment.parameters.checks import SettingsError
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.fleet import FleetSettings
from experiment.parameters.project_root import root

SMALL = Question(files=20_000, concurrency=100, shards_per_execution=2)


@pytest.fixture(scope="module")
def fleets():
    return trade_offs.map_of(SMALL, concurrency=(10, 100, 400), memory_mb=(256, 1_769))


def test_a_map_has_every_fleet_and_names_what_binds_there(fleets):
    assert len(fleets) == 6
    assert set(fleets["binds"]) <= {*LIMITS, SEVERAL}
    by_width = fleets[fleets["memory_mb"] == 1_769].set_index("concurrency")["seconds"]
    assert by_width[10] > 5 * by_width[100] > 5 * by_width[400]


def test_no_fleet_of_the_frontier_is_beaten(fleets):
    for fleet in trade_offs.frontier_of(fleets).itertuples():
        is_faster, is_cheaper = (
            fleets[name] < getattr(fleet, name) for name in ("seconds", "dollars")
        )
        assert not (is_faster & is_cheaper).any()
    cheapest = trade_offs.cheapest_within(fleets, 60)
    assert cheapest["seconds"] <= 60
    assert trade_offs.cheapest_within(fleets, 0.1) is None


@pytest.mark.parametrize(
    ("deadline_s", "title", "share"),
    [(60, "The cheapest fleet with a median under", 1.0), (0.1, "No fleet has", 0.0)],
)
def test_charts_and_the_best_fleet_say_what_they_show(fleets, deadline_s, title, share):
    best = trade_offs.best_of(SMALL, fleets, deadline_s)
    named = f"{best.concurrency:,} executions of {best.memory_mb:,} MB"
    assert named in draw.in_words(fleets, deadline_s)
    shown = repr(report_tables.answer(best, forecast(best, 40), deadline_s))
    assert f"in {share * 100:.0f} % of 40 draws" in shown

    figures = [
        draw.map_chart(fleets, deadline_s, report_tables.WHERE),
        draw.frontier_chart(fleets, deadline_s, report_tables.WHERE),
    ]

    titles = [figure.axes[0].get_title(loc="left") for figure in figures]
    assert titles[0].startswith(title)
    assert "no fleet is both faster and cheaper" in titles[1].replace("\n", " ")
    for figure in figures:
        assert report_tables.WHERE in figure.get_supxlabel()
    assert not plt.get_fignums()


def test_a_tornado_shows_every_range_and_the_widest_first():
    moved = sensitivity.moves(replace(SMALL, concurrency=10))
    ranged = {name for name, one in constants().items() if one.low < one.high}
    seconds = moved[["low_s", "high_s", "now_s"]]
    width = seconds.max(axis=1) - seconds.min(axis=1)

    assert ranged < set(moved["name"])
    assert width.is_monotonic_decreasing
    title = draw.tornado(moved, report_tables.WHERE).axes[0].get_title(loc="left")
    assert title.startswith(moved["name"][0])


def test_ten_times_the_files_take_ten_times_the_fleets():
    needed = trade_offs.fleets_for(SMALL, [2_000_000, 20_000_000], [30, 0.1])
    found = needed.set_index(["files", "deadline_s"])["fleets"]

    assert found[20_000_000, 30] == pytest.approx(10 * found[2_000_000, 30], rel=0.1)
    assert found[2_000_000, 0.1] == -1
    share = replace(SMALL, files=2_000_000 // found[2_000_000, 30])
    assert forecast(share, 40).time.high <= 30


def test_recorded_runs_are_predicted_as_well_as_is_said():
    """
    Misses stay in the table; one that gets worse is found out.
    """
    found = validation.predicted_beside_reported(300)
    proof = found[found["set_by_it"] == "none"].set_index("run")["ratio"]

    assert np.median(np.abs(proof - 1)) < 0.15
    assert proof.between(0.5, 1.2).all()
    assert found["source"].str.startswith("https://").all()
    assert found["set_by_it"].isin({*constants(), "none"}).all()


def test_29_seconds_are_possible_under_some_assumptions_and_not_under_most():
    assumed = validation.under_which_assumptions(30)

    assert assumed["possible"].any()
    assert assumed["possible"].mean() < 0.3


def test_settings_of_a_run_are_asked_about_as_they_are():
    settings = FanOutSettings(
        url_template="s3://bucket/{number}.jpg", files=10_000, concurrency=50
    )
    question = question_of(settings)

    assert (question.files, question.concurrency) == (10_000, 50)
    assert (question.source, question.read_prefixes) == (S3, 1)
    assert question_of(FanOutSettings(files=400)).source == INTERNET
    of_an_origin = FanOutSettings(files=400, origin_url="http://127.0.0.1:80")
    assert question_of(of_an_origin).source == INTERNET
    in_s3 = FanOutSettings(files=8, origin_url="https://b.s3.eu-west-1.amazonaws.com")
    assert question_of(in_s3).read_prefixes == 1
    with pytest.raises(SettingsError, match="Set files"):
        question_of(FanOutSettings(files=0))

    fleet = question_of(FleetSettings(sizes_kb=[10, 10, 980], latency_ms=20))
    assert fleet.mean_bytes == pytest.approx(1_000_000 / 3)
    assert (fleet.latency_s, fleet.is_cold) == (0.02, True)
    assert not question_of(FleetSettings(cold=False)).is_cold


@pytest.mark.parametrize(
    ("region", "source"), [("eu-west-1", S3), ("us-west-2", S3_ELSEWHERE)]
)
def test_s3_of_another_region_is_asked_about_as_that(monkeypatch, region, source):
    monkeypatch.setenv("AWS_REGION", region)
    template = "https://b.s3.eu-west-1.amazonaws.com/{number%4}/{number}.jpg"
    question = question_of(FanOutSettings(url_template=template, files=8))

    assert (question.source, question.read_prefixes) == (source, 4)
    assert ("as quick as in the same region" in asked_in_words(question)) is (
        source == S3_ELSEWHERE
    )


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"sizes_kb": [0]}, "sizes_kb"),
        ({"budget_usd": 0.0}, "budget_usd"),
        ({"comes_from": "moon"}, "comes_from"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"draws": 0}, "draws"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(given, why):
    with pytest.raises(SettingsError, match=why):
        FleetSettings(**given)


def test_tables_of_constants_and_records_name_their_sources():
    assert all(
        one.source in repr(report_tables.constants_table())
        for one in constants().values()
    )
    shown = repr(report_tables.records_table(validation.predicted_beside_reported(20)))
    assert "used_credit_bytes" in shown


def test_runs_on_aws_add_themselves_to_the_check(tmp_path):
    made = {"low_s": 4.0, "median_s": 5.0, "high_s": 7.0, "measured_to_median": 1.25}
    record = {"schema": SCHEMA, "totals": {"wall_s": 6.25}}
    texts = [json.dumps(record | {"forecast": one}) for one in (made, made, {})]
    for name, text in zip(("a", "grid/b", "c", "torn"), [*texts, "{"], strict=True):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "run.json").write_text(text)
    shown = repr(report_tables.own_runs_table(tmp_path))

    assert shown.count("5.0 s (4.0 s to 7.0 s in nine of ten draws)") == 2
    assert "grid/b" in shown
    assert "0.80" in shown
    assert "There is none" in repr(report_tables.own_runs_table(tmp_path / "torn"))


def test_what_the_local_grid_found_is_told_as_it_was_published():
    found = pd.read_csv(report_tables.LOCAL_GRID)
    said = report_tables.local_grid_errors()
    readme = root().joinpath("notebooks/README.md").read_text()

    assert len(found) >= 14
    ratio = found["predicted_s"] / found["measured_s"]
    assert list(found["ratio"]) == pytest.approx(list(ratio), abs=0.01)
    assert said.startswith(f"{len(found)} held-out settings")
    assert report_tables.local_grid_in_short() in readme
