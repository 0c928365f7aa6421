"""Charts of one run: timeline, connections, and how long its files took."""

import pandas as pd
import pytest
from tests.support.chart_tables import WHERE, downloads, key, shards, title
from tests.support.recorded_invocations import SENT_AT, invocation, urls

from experiment.charts.connections_over_time import (
    connections_over_time,
    has_connections,
)
from experiment.charts.invocation_timeline import timeline
from experiment.charts.latency import latency_by_size
from fetcher.contract.outcome import Outcome

CONNECTIONS = pd.DataFrame(
    {
        "invoked_at": [10.0, 10.5, 10.0],
        "downloading_at": [11.0, 11.5, float("nan")],
        "downloaded_at": [14.0, 14.5, float("nan")],
        "connections": [[64, 128, 480], [64], []],
        "connections_at_s": [[0.0, 0.25, 0.5], [0.0], []],
    }
)


def bars_of(figure):
    """Where each bar begins and how long it is, by the label of its kind."""
    (ax,) = figure.axes
    boxes = {
        bars.get_label(): [path.get_extents() for path in bars.get_paths()]
        for bars in ax.collections
    }
    return {
        label: [(round(box.x0, 3), round(box.width, 3)) for box in found]
        for label, found in boxes.items()
    }


def test_the_timeline_has_a_bar_for_each_phase_where_it_began():
    """
    Its key is above the bars: with few invocations they end far right.
    """
    later = invocation(urls((4, 4)), shard=1, sent_at=SENT_AT + 3)
    figure = timeline(shards(invocation(urls((0, 4))), later), WHERE)
    (ax,), bars = figure.axes, bars_of(figure)

    assert bars["queued"] == [(-1, 1), (2, 1)]
    assert bars["starting"] == [(0, 0.75), (3, 0.75)]
    assert bars["downloading"] == [(0.75, 1), (3.75, 1)]
    assert bars["reporting"] == [(1.75, 0.25), (4.75, 0.25)]
    assert ax.get_xlim() == (0, 5)
    assert key(figure) == ["queued", "starting", "downloading", "reporting"]
    assert ax.get_xlabel() == "Seconds since the first request was sent"
    assert ax.get_ylabel() == "Invocation, in the order sent"
    assert figure.get_supxlabel() == WHERE
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1", "2"]


@pytest.mark.parametrize("of", ["", "Concurrency 4"])
def test_the_timeline_is_titled_with_its_phases_and_the_setting_of_a_grid(of):
    figure = timeline(shards(invocation(urls((0, 4)))), WHERE, of=of)

    assert title(figure) == of + ": " * bool(of) + (
        "1 invocation took 2.0 s: 750 ms starting up, 1.2 s at a steady rate "
        "(shaded), 0 ms until the last report"
    )


def test_the_timeline_shows_what_was_lost_even_if_all_was(tmp_path):
    lost = invocation(urls((4, 4)), shard=1, error="it died")
    figure = timeline(shards(invocation(urls((0, 4))), lost), WHERE)
    nothing_else = timeline(shards(lost), WHERE)

    assert "lost" in key(figure)
    assert "0 ms at a steady rate" in title(nothing_else)
    for number, one in enumerate((figure, nothing_else)):
        one.savefig(tmp_path / f"{number}.png")


def test_a_long_timeline_labels_its_ends_only():
    many = [invocation(urls((n, 1)), shard=n, sent_at=SENT_AT + n) for n in range(50)]
    figure = timeline(shards(*many), WHERE)
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]

    assert labels == ["1", "50"]


def test_each_execution_that_reported_its_connections_has_a_line_of_its_own():
    """
    Reports of version 0.2.0 do not say how many there were.
    """
    figure = connections_over_time(CONNECTIONS, WHERE)
    one, other = figure.axes[0].get_lines()
    lost = CONNECTIONS.tail(1)

    assert list(one.get_xdata()) == [1.0, 1.25, 1.5, 4.0]
    assert list(one.get_ydata()) == [64, 128, 480, 480]
    assert list(other.get_ydata()) == [64, 64]
    assert "ended with 64 to 480" in title(figure)
    assert connections_over_time(lost, WHERE).axes[0].get_lines()[:] == []
    assert has_connections(CONNECTIONS)
    assert not has_connections(CONNECTIONS.drop(columns="connections"))
    assert not has_connections(lost)


def test_latency_has_a_rising_line_of_whole_files_per_size_that_ends_at_all():
    small, large = downloads(0.03, 0.01, 0.02, 0.04), downloads(0.2, 0.1, file_kb=100)
    cut = downloads(9.0, outcome=Outcome.CUT)
    (ax,) = latency_by_size(pd.concat([small, large, cut]), WHERE).axes
    first, second = ax.get_lines()

    assert first.get_xdata() == pytest.approx([10, 20, 30, 40])
    assert first.get_ydata() == pytest.approx([25, 50, 75, 100])
    assert second.get_xdata() == pytest.approx([100, 200])
    low, high = ax.get_xlim()
    assert sum(low <= tick <= high for tick in ax.get_xticks()) >= 4


def test_latency_is_titled_with_the_slowest_size_labelled_and_footnoted():
    figure = latency_by_size(
        pd.concat([downloads(*[0.01] * 99), downloads(*[0.1] * 9, file_kb=100)]), WHERE
    )
    (ax,) = figure.axes

    assert title(figure) == (
        "100 kB files that are ok: half within 100 ms, 99 % within 100 ms"
    )
    assert ax.get_xlabel() == "Milliseconds from first try to last byte (log)"
    assert ax.get_ylabel() == "Ok files, %"
    assert figure.get_supxlabel() == WHERE
    assert key(figure) == ["10 kB files", "100 kB files"]
    assert len({line.get_marker() for line in ax.get_lines()}) == 2


def test_latency_of_nothing_says_so(tmp_path):
    figure = latency_by_size(downloads(9.0, outcome=Outcome.CUT), WHERE)

    assert title(figure) == "No file arrived whole: there is no latency to show"
    figure.savefig(tmp_path / "chart.png")
