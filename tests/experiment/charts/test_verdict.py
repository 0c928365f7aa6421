"""The verdict on a run, and the words it is said in."""

import pandas as pd
import pytest
from tests.support.chart_tables import runs

from experiment.charts.fan_out import verdict
from experiment.tables.goal import GOAL_RATE
from experiment.tables.words import duration, size, where_measured


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            runs([10_000], files=10**6, target="aws"),
            "1M files of 10 kB take 1 min 40 s",
        ),
        (runs([10_000], files=10**6, target="aws"), "outside the 60 s goal"),
        (
            runs([20_000], files=10**6, target="aws"),
            "take 50.0 s: inside the 60 s goal",
        ),
        (runs([GOAL_RATE], files=10**6, target="aws"), "inside the 60 s goal"),
        (runs([GOAL_RATE * 0.99], files=10**6, target="aws"), "outside the 60 s goal"),
        (
            runs([20_000], target="aws"),
            "At concurrency 4, 1M files of 10 kB would take",
        ),
        (runs([20_000], file_kb=1_700), "1M files of 1.7 MB would take 50.0 s: inside"),
        (runs([0.0]), "No file arrived: nothing can be said about the 60 s goal"),
    ],
)
def test_the_verdict_is_a_sentence_about_the_goal(table, said):
    assert said in verdict(table)


def test_a_verdict_measured_here_says_so():
    assert verdict(runs([100.0])).startswith("On this machine, at concurrency 4, 1M")
    assert verdict(runs([100.0], target="aws")).startswith("At concurrency 4, 1M")


def test_a_run_of_fewer_files_is_projected_and_says_would():
    assert "would take" in verdict(runs([20_000], files=999_999))
    assert "would" not in verdict(runs([20_000], files=1_000_000))


def test_a_million_planned_of_which_some_failed_is_projected_too():
    table = runs([20_000], files=1_000_000).assign(ok=999_999)

    assert "would take" in verdict(table)


def test_one_lucky_run_does_not_win():
    lucky = runs([100, 100, 9_000], concurrency=1)
    steady = runs([200, 200, 200], concurrency=2)

    assert "concurrency 2" in verdict(pd.concat([lucky, steady]))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "40 ms"),
        (0.9996, "1.0 s"),
        (9.94, "9.9 s"),
        (60.3, "60.3 s"),
        (121, "2 min 1 s"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("kilobytes", "said"),
    [(1, "1 kB"), (999, "999 kB"), (1_000, "1 MB"), (1_700, "1.7 MB")],
)
def test_a_size_is_said_as_people_say_it(kilobytes, said):
    assert size(kilobytes) == said


def test_a_footnote_keeps_a_local_run_from_being_taken_for_aws():
    assert "not AWS" in where_measured("local", "a machine", 400)
    assert where_measured("aws", "a machine", 400) == "target: aws. 400 files a run"
