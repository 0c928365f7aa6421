"""Charts of one run: its timeline, and how long its files took."""

import pandas as pd
import pytest
from tests.support.chart_tables import WHERE, downloads, key, shards, title
from tests.support.recorded_invocations import SENT_AT, invocation, urls

from experiment.charts.latency import latency_by_size
from experiment.charts.timeline import timeline
from fetcher.contract.outcome import Outcome


def test_the_timeline_has_a_bar_a_phase_where_it_began():
    sources = urls((0, 4)), urls((4, 4))
    table = shards(
        invocation(sources[0]), invocation(sources[1], shard=1, sent_at=SENT_AT + 3)
    )
    (ax,) = timeline(table, WHERE).axes
    bars = {
        phase.get_label(): [
            (round(box.x0, 3), round(box.width, 3))
            for box in (path.get_extents() for path in phase.get_paths())
        ]
        for phase in ax.collections
    }

    assert bars["queued"] == [(-1, 1), (2, 1)]
    assert bars["starting"] == [(0, 0.75), (3, 0.75)]
    assert bars["downloading"] == [(0.75, 1), (3.75, 1)]
    assert bars["reporting"] == [(1.75, 0.25), (4.75, 0.25)]
    assert ax.get_xlim() == (0, 5)


@pytest.mark.parametrize("of", ["", "Concurrency 4"])
def test_the_timeline_is_titled_labelled_and_footnoted(of):
    """
    Its key is above the bars: with few invocations they end far right.
    """
    figure = timeline(shards(invocation(urls((0, 4)))), WHERE, of=of)
    (ax,) = figure.axes

    assert title(figure) == of + ": " * bool(of) + (
        "1 invocation took 2.0 s: 750 ms starting up, 1.2 s at a steady rate "
        "(shaded), 0 ms until the last report"
    )
    assert key(figure) == ["queued", "starting", "downloading", "reporting"]
    assert ax.get_xlabel() == "Seconds since the first request was sent"
    assert ax.get_ylabel() == "Invocation, in the order sent"
    assert figure.get_supxlabel() == WHERE
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1"]


def test_the_timeline_shows_what_was_lost(tmp_path):
    table = shards(
        invocation(urls((0, 4))), invocation(urls((4, 4)), shard=1, error="it died")
    )
    figure = timeline(table, WHERE)

    assert "lost" in key(figure)
    figure.savefig(tmp_path / "chart.png")


def test_a_timeline_of_nothing_but_losses_can_be_drawn(tmp_path):
    figure = timeline(shards(invocation(urls((0, 4)), error="it died")), WHERE)

    assert "0 ms at a steady rate" in title(figure)
    figure.savefig(tmp_path / "chart.png")


def test_a_long_timeline_labels_its_ends_only():
    many = [invocation(urls((n, 1)), shard=n, sent_at=SENT_AT + n) for n in range(50)]
    figure = timeline(shards(*many), WHERE)
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]

    assert labels == ["1", "50"]


def test_latency_has_a_rising_line_per_size_that_ends_at_all():
    small, large = downloads(0.03, 0.01, 0.02, 0.04), downloads(0.2, 0.1, file_kb=100)
    (ax,) = latency_by_size(pd.concat([small, large]), WHERE).axes
    first, second = ax.get_lines()

    assert first.get_xdata() == pytest.approx([10, 20, 30, 40])
    assert first.get_ydata() == pytest.approx([25, 50, 75, 100])
    assert second.get_xdata() == pytest.approx([100, 200])


def test_latency_is_titled_labelled_and_footnoted():
    figure = latency_by_size(
        pd.concat([downloads(*[0.01] * 99), downloads(*[0.1] * 9, file_kb=100)]), WHERE
    )
    (ax,) = figure.axes

    assert title(figure) == (
        "100 kB files: half are done within 100 ms, 99 % within 100 ms"
    )
    assert ax.get_xlabel() == "Milliseconds from first try to last byte (log)"
    assert ax.get_ylabel() == "Downloads done, %"
    assert figure.get_supxlabel() == WHERE
    assert key(figure) == ["10 kB files", "100 kB files"]
    assert len({line.get_marker() for line in ax.get_lines()}) == 2


def test_latency_of_files_that_took_much_the_same_has_ticks_enough():
    """
    Two ticks on an axis leave a reader guessing what lies between.
    """
    (ax,) = latency_by_size(downloads(0.021, 0.03, 0.045), WHERE).axes
    low, high = ax.get_xlim()

    assert sum(low <= tick <= high for tick in ax.get_xticks()) >= 4


def test_latency_counts_whole_files_only():
    table = pd.concat([downloads(0.01), downloads(9.0, outcome=Outcome.CUT)])
    (ax,) = latency_by_size(table, WHERE).axes

    assert ax.get_lines()[0].get_xdata() == pytest.approx([10])


def test_latency_of_nothing_says_so(tmp_path):
    figure = latency_by_size(downloads(9.0, outcome=Outcome.CUT), WHERE)

    assert title(figure) == "No file arrived whole: there is no latency to show"
    figure.savefig(tmp_path / "chart.png")
