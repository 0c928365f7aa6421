"""Throughput: a title computed from the table, and lines that are the medians."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from tests.support.chart_tables import WHERE, key, runs, title

from experiment.charts.drawing import ChartError
from experiment.charts.throughput import files_per_s_by_concurrency
from experiment.parameters.grid import MOST_SIZES
from experiment.tables.goal import GOAL_RATE
from experiment.tables.verdict import verdict


def grid(sizes=(10, 100)):
    """Three repeats of each setting: a low one, a middle one, a lucky one."""
    return pd.concat(
        [
            runs(
                np.array([50, 100, 900]) * concurrency / file_kb,
                concurrency=concurrency,
                file_kb=file_kb,
            )
            for file_kb in sizes
            for concurrency in (1, 2, 4)
        ],
        ignore_index=True,
    )


def test_throughput_has_a_line_of_medians_per_file_size():
    figure = files_per_s_by_concurrency(grid())
    (ax,) = figure.axes
    lines = [one for one in ax.get_lines() if one.get_linestyle() == "-"]

    assert [list(line.get_xdata()) for line in lines] == [[1, 2, 4]] * 2
    assert [list(line.get_ydata()) for line in lines] == [[10, 20, 40], [1, 2, 4]]


def test_throughput_has_a_band_from_the_least_to_the_most():
    figure = files_per_s_by_concurrency(grid(sizes=(10,)))
    (band,) = figure.axes[0].collections
    corners = band.get_paths()[0].vertices
    at_two = {round(y) for x, y in corners if x == 2}

    assert at_two == {10, 180}


def test_throughput_says_what_line_and_band_are_where_there_is_a_band():
    """
    With one run of each setting there is nothing between the least and the most.
    """
    band = ["median of the runs", "slowest to fastest"]
    assert key(files_per_s_by_concurrency(grid())) == band
    once = files_per_s_by_concurrency(runs([100.0]))
    assert once.axes[0].get_legend() is None


def test_cold_runs_are_drawn_apart_and_change_neither_line_nor_band():
    warm, cold = grid(sizes=(10,)), runs([1.0], concurrency=2, cold=True)
    figure = files_per_s_by_concurrency(pd.concat([warm, cold], ignore_index=True))
    apart, line, _ = figure.axes[0].get_lines()

    assert (list(apart.get_xdata()), list(apart.get_ydata())) == ([2], [1.0])
    assert list(line.get_ydata()) == [10, 20, 40]
    assert key(figure)[::2] == ["median of the warm runs", "a cold run"]


def test_throughput_is_titled_labelled_and_footnoted():
    table = grid()
    figure = files_per_s_by_concurrency(table)
    (ax,) = figure.axes

    assert title(figure) == verdict(table)
    assert ax.get_xlabel() == "Concurrency: executions at once (log)"
    assert ax.get_ylabel() == "Files per second (log)"
    assert figure.get_supxlabel() == WHERE
    texts = {text.get_text() for text in ax.texts}
    assert {"10 kB files", "100 kB files"} <= texts
    assert "goal: 1M files in 60 s (16,667 files/s)" in texts


def test_throughput_shows_the_goal_and_ticks_at_measured_values_only():
    (ax,) = files_per_s_by_concurrency(grid()).axes
    goals = [line for line in ax.get_lines() if line.get_linestyle() == "--"]

    assert list(goals[0].get_ydata()) == [GOAL_RATE, GOAL_RATE]
    assert ax.get_xticks().tolist() == [1, 2, 4]
    assert ax.get_ylim()[1] > GOAL_RATE
    (ax,) = files_per_s_by_concurrency(runs([GOAL_RATE * 5])).axes
    assert ax.get_ylim()[1] > GOAL_RATE * 5


def test_a_grid_may_have_as_many_sizes_as_lines_can_be_told_apart():
    """
    Otherwise the chart would be refused after everything was measured.
    """
    sizes = list(range(1, MOST_SIZES + 1))
    (ax,) = files_per_s_by_concurrency(grid(sizes)).axes
    markers = [line.get_marker() for line in ax.get_lines()]  # not in colour alone

    assert len({marker for marker in markers if marker != "None"}) == MOST_SIZES
    with pytest.raises(ChartError, match="5 values of file_kb are too many for one ch"):
        files_per_s_by_concurrency(grid([*sizes, 99]))
    plt.close("all")


def test_throughput_of_one_setting_and_of_nothing_can_be_drawn(tmp_path):
    for table in (runs([100.0]), runs([0.0]), pd.concat([runs([0.0]), runs([5.0])])):
        files_per_s_by_concurrency(table).savefig(tmp_path / "chart.png")
