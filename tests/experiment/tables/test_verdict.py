"""The verdict on runs: never beyond what they show."""

import pandas as pd
import pytest
from tests.support.chart_tables import runs

from experiment.parameters.goal import GOAL_RATE
from experiment.tables.projection.million_time import million_of
from experiment.tables.scaling_limit import growth
from experiment.tables.verdict import verdict


def by_concurrency(rates, **more):
    """Three runs at each concurrency."""
    tables = [runs([rate] * 3, concurrency=n, **more) for n, rate in rates.items()]
    return pd.concat(tables, ignore_index=True)


WHOLE = {"files": 10**6, "target": "aws"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            runs([10_000], **WHOLE),
            "At concurrency 4, 1M files of 10 kB took 1 min 40 s: outside the 60 s",
        ),
        (runs([20_000], **WHOLE), "took 50.0 s: inside the 60 s goal"),
        (runs([GOAL_RATE], **WHOLE), "inside the 60 s goal"),
        (runs([GOAL_RATE * 0.99], **WHOLE), "outside the 60 s goal"),
        (
            runs([25_000], file_kb=1_700),
            "1M files of 1.7 MB would take 40.0 s (34.0 s to 46.0 s): inside the 60 s",
        ),
        (runs([18_000]), "would take 55.6 s (47.2 s to 63.9 s): too close to the 60 s"),
        (runs([10_000]), "(85.0 s to 1 min 55 s): outside the 60 s goal"),
        (
            runs([20_000] * 3, steady_s=1.5),
            "would take 50.0 s (37.5 s to 62.5 s): too close to the 60 s goal to call",
        ),
        (
            runs([20_000, 20_000, 11_000]),
            "would take 50.0 s (42.5 s to 90.9 s): too close to the 60 s goal to call",
        ),
        (runs([20_000, 12_500], **WHOLE), "take 65.0 s (50.0 s to 80.0 s): too close"),
        (
            runs([0.0]),
            "On this machine, no file arrived: nothing can be said about the 60 s goal",
        ),
    ],
)
def test_the_verdict_is_a_sentence_about_the_goal_and_claims_no_more_than_its_band(
    table, said
):
    assert said in verdict(table)


@pytest.mark.parametrize(
    ("sized_by", "advice"),
    [
        ("files", "; set duration_s instead of files"),
        ("duration_s", "; set a longer duration_s"),
        ("url_template", "; set more files"),
        ("url_list", ""),
    ],
)
def test_a_run_that_is_mostly_start_is_not_projected_and_says_what_to_do(
    sized_by, advice
):
    short = {"million_s": None, "startup_s": 0.91, "steady_s": 0.05, "tail_s": 0.04}
    table = runs([400], sized_by=sized_by, **short)

    assert million_of(table) is None
    assert verdict(table) == (
        "On this machine, 400 files of 10 kB in 1.0 s are too short to project: 91 % "
        f"of it was starting up{advice}"
    )


def test_of_several_runs_one_that_is_too_short_is_named():
    table = runs([400, 400], steady_s=[0.8, 1.4])
    table.loc[0, "million_s"] = None

    assert "only 800 ms of it was steady downloading" in verdict(table)


def test_cold_runs_count_only_where_none_is_warm():
    cold, warm = runs([5_000], cold=True), runs([20_000] * 3)

    assert million_of(pd.concat([cold, warm], ignore_index=True)).seconds == 50
    assert million_of(cold).seconds == 200


def test_one_lucky_run_does_not_win():
    lucky = runs([100, 100, 9_000], concurrency=1)
    steady = runs([400, 400, 400], concurrency=2)
    both = pd.concat([lucky, steady], ignore_index=True)

    assert "concurrency 2" in verdict(both)


def test_of_settings_that_show_no_difference_the_one_of_least_concurrency_is_named():
    """
    Noise would otherwise choose, another one each time.
    """
    table = by_concurrency({1: 10_000, 2: 19_000, 4: 20_000, 8: 12_000})

    assert "at concurrency 2, 1M" in verdict(table)
    assert verdict(table).endswith("; not distinguishable from concurrency 4")


def test_a_setting_that_is_hardly_told_from_the_best_is_not_named_instead():
    """
    Its band overlaps the best one's in one run and not in the next.
    """
    table = by_concurrency({1: 15_000, 2: 20_000})

    assert "at concurrency 2, 1M" in verdict(table)
    assert verdict(table).endswith("; not distinguishable from concurrency 1")
    assert "no other concurrency is measurably faster than 1" in next(growth(table))


def test_each_file_size_has_its_own_verdict():
    table = pd.concat([runs([20_000]), runs([2_000], file_kb=100)], ignore_index=True)

    assert "1M files of 10 kB would take" in verdict(table)
    assert "1M files of 100 kB would take" in verdict(table)


def test_throughput_grows_as_far_as_the_setting_that_the_verdict_names():
    """
    Each is hardly told from its neighbour, but the last is from the first.
    """
    table = by_concurrency({1: 10_000, 2: 12_500, 4: 16_100})

    assert "at concurrency 4, 1M" in verdict(table)
    assert list(growth(table)) == [
        "Files of 10 kB: throughput was highest at concurrency 4, the most measured."
    ]


def test_runs_that_drift_are_told_apart_by_how_far_they_are_from_each_other():
    """
    Short runs drift more, all alike; the time of a million is as uncertain as they do.
    """
    table = by_concurrency({1: 10_000, 2: 19_000}, million_band=0.4)

    assert "take 52.6 s (31.6 s to 73.7 s): too close" in verdict(table)
    assert "not distinguishable" not in verdict(table)


def test_throughput_that_falls_is_said_to_fall():
    (said,) = growth(by_concurrency({1: 10_000, 2: 19_000, 4: 20_000, 8: 12_000}))

    assert "up to concurrency 2, and not measurably beyond, and then falls. At" in said


LIMITS = {
    "1.9 of the 2 cores were busy while files arrived steadily, 1.2 with executions "
    "and 0.5 with the origin: the cores are the limit": {},
    "the origin, a single process, is the limit": {
        "cores_busy": 1.6,
        "origin_cores": 1.0,
    },
    "neither cores nor origin are the bottleneck, so try more than 20 connections": {
        "cores_busy": 1.0,
        "own_cores": 1.0,
    },
    "but 0.9 with other programs": {"own_cores": 1.0},
    "and the host gave 0.5 of them to other machines: the cores are the limit": {
        "cores_busy": 1.4,
        "own_cores": 1.4,
        "stolen_cores": 0.5,
    },
    "files came from elsewhere": {"cores_busy": 1.0, "origin_cores": 0.0},
    "the executions ran elsewhere": {"execution_cores": 0.0},
}


@pytest.mark.parametrize(("why", "load"), LIMITS.items(), ids=LIMITS)
def test_a_grid_says_where_throughput_stops_growing_and_why(why, load):
    (said,) = growth(by_concurrency({1: 10_000, 2: 19_000, 4: 20_000}, **load))

    assert said.startswith(
        "Files of 10 kB: throughput grows up to concurrency 2, and not measurably "
        "beyond. "
    )
    assert why in said


def test_what_runs_out_at_the_next_concurrency_is_why_there_is_no_more():
    table = by_concurrency({1: 10_000, 2: 10_500}, cores_busy=1.4, own_cores=1.4)
    table.loc[table["concurrency"] == 2, ["cores_busy", "own_cores"]] = 1.9
    (said,) = growth(table)

    assert (
        "no other concurrency is measurably faster than 1. At concurrency 1, 1.4"
        in said
    )
    assert said.endswith(
        "; at concurrency 2, 1.9 cores were busy: the cores are the limit."
    )


def test_a_grid_whose_last_setting_is_fastest_has_not_found_where_growth_stops():
    assert list(growth(by_concurrency({1: 10_000, 2: 20_000}))) == [
        "Files of 10 kB: throughput still grows at concurrency 2, the most measured."
    ]
    assert not list(growth(runs([100.0])))
