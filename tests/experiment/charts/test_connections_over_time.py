"""The chart of connections over time."""

import pandas as pd
from tests.support.chart_tables import WHERE, title

from experiment.charts.connections_over_time import (
    connections_over_time,
    has_connections,
)

SHARDS = pd.DataFrame(
    {
        "invoked_at": [10.0, 10.5, 10.0],
        "downloading_at": [11.0, 11.5, float("nan")],
        "downloaded_at": [14.0, 14.5, float("nan")],
        "connections": [[64, 128, 480], [64], []],
        "connections_at_s": [[0.0, 0.25, 0.5], [0.0], []],
    }
)


def test_each_execution_that_reported_has_a_line_of_its_own():
    figure = connections_over_time(SHARDS, WHERE)
    one, other = figure.axes[0].get_lines()

    assert list(one.get_xdata()) == [1.0, 1.25, 1.5, 4.0]
    assert list(one.get_ydata()) == [64, 128, 480, 480]
    assert list(other.get_ydata()) == [64, 64]
    assert "ended with 64 to 480" in title(figure)


def test_runs_of_earlier_versions_have_no_such_chart():
    lost = SHARDS.tail(1)

    assert has_connections(SHARDS)
    assert not has_connections(SHARDS.drop(columns="connections"))
    assert not has_connections(lost)
    assert connections_over_time(lost, WHERE).axes[0].get_lines()[:] == []
