"""Throughput: a title computed from the table, and lines that are the medians."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from tests.support.chart_tables import WHERE, key, runs, title

from experiment.charts.drawing import ChartError
from experiment.charts.throughput import files_per_s_by_concurrency
from experiment.parameters.goal import GOAL_RATE
from experiment.parameters.grid import MOST_SIZES
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


def test_throughput_has_medians_as_a_line_and_their_range_as_a_band_for_each_size():
    """
    The goal is in sight, and only what was measured has ticks.
    """
    table = grid()
    figure = files_per_s_by_concurrency(table)
    (ax,) = figure.axes
    lines = [one for one in ax.get_lines() if one.get_linestyle() == "-"]
    (goal,) = (one for one in ax.get_lines() if one.get_linestyle() == "--")
    bands = [band.get_paths()[0].vertices for band in ax.collections]

    assert [list(line.get_xdata()) for line in lines] == [[1, 2, 4]] * 2
    assert [list(line.get_ydata()) for line in lines] == [[10, 20, 40], [1, 2, 4]]
    at_two = [{round(y) for x, y in corners if x == 2} for corners in bands]
    assert at_two == [{10, 180}, {1, 18}]
    assert list(goal.get_ydata()) == [GOAL_RATE, GOAL_RATE]
    assert ax.get_ylim()[1] > GOAL_RATE
    assert ax.get_xticks().tolist() == [1, 2, 4]
    assert title(figure) == verdict(table)
    assert ax.get_xlabel() == "Concurrency: executions at once (log)"
    assert ax.get_ylabel() == "Files per second (log)"
    assert figure.get_supxlabel() == WHERE
    ends = ["10 kB files", "100 kB files", "goal: 1M files in 60 s (16,667 files/s)"]
    assert sorted(text.get_text() for text in ax.texts) == ends
    assert key(figure) == ["median of the runs", "slowest to fastest"]


def test_cold_runs_are_drawn_apart_and_change_neither_line_nor_band():
    warm, cold = grid(sizes=(10,)), runs([1.0], concurrency=2, cold=True)
    figure = files_per_s_by_concurrency(pd.concat([warm, cold], ignore_index=True))
    apart, line, _ = figure.axes[0].get_lines()

    assert (list(apart.get_xdata()), list(apart.get_ydata())) == ([2], [1.0])
    assert list(line.get_ydata()) == [10, 20, 40]
    assert key(figure)[::2] == ["median of the warm runs", "a cold run"]


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


def test_one_setting_run_once_or_in_vain_can_be_drawn_and_has_no_band(tmp_path):
    above = runs([GOAL_RATE * 5])
    for table in (above, runs([0.0]), pd.concat([runs([0.0]), runs([5.0])])):
        figure = files_per_s_by_concurrency(table)
        figure.savefig(tmp_path / "chart.png")

    (ax,) = files_per_s_by_concurrency(above).axes
    assert ax.get_ylim()[1] > GOAL_RATE * 5
    assert ax.get_legend() is None
