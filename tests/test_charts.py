"""Charts: a title computed from the table, and lines that are the medians."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from tests.invocations import SENT_AT, done, invocation, table_of, urls

from experiment.charts import (
    GOAL_RATE,
    ChartError,
    files_per_s_by_concurrency,
    latency_by_size,
    timeline,
    verdict,
)
from experiment.grid_settings import MOST_SIZES
from experiment.table import shards_table
from experiment.words import duration, size, where_measured
from fetcher.outcome import Outcome

WHERE = where_measured("local", "a machine", 400)


@pytest.fixture(autouse=True)
def _every_figure_is_closed():
    """
    A figure left open is shown twice in a notebook, and kept in memory.
    """
    yield
    assert plt.get_fignums() == []


def runs(files_per_s=(100.0,), *, concurrency=4, file_kb=10, files=400, target="local"):
    return pd.DataFrame(
        {
            "concurrency": concurrency,
            "file_kb": file_kb,
            "files": files,
            "ok": files,
            "files_per_s": list(files_per_s),
            "target": target,
            "machine": "a machine",
        }
    )


def grid(sizes=(10, 100)):
    """Three repeats of each setting: a low one, a middle one, a lucky one."""
    return pd.concat(
        [
            runs(
                np.array([50, 100, 900]) * concurrency / file_kb,
                concurrency=concurrency,
            ).assign(file_kb=file_kb)
            for file_kb in sizes
            for concurrency in (1, 2, 4)
        ],
        ignore_index=True,
    )


def shards(*invocations):
    return shards_table(invocations, run="r", target="local")


def downloads(*seconds, file_kb=10, outcome=Outcome.OK):
    source = urls((0, len(seconds)))
    ends = [done(outcome, seconds=value) for value in seconds]
    return table_of([invocation(source, ends)], source).assign(file_kb=file_kb)


def footnote(figure):
    return figure.get_supxlabel()


def key(figure):
    """What is written above the axes, and whether it is clear of them."""
    legend = figure.axes[0].get_legend()
    figure.canvas.draw()
    assert legend.get_window_extent().y0 >= figure.axes[0].bbox.y1
    return [text.get_text() for text in legend.get_texts()]


def title(figure):
    """The first axes' title, on one line."""
    return " ".join(figure.axes[0].get_title(loc="left").split())


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
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (60.3, "60.3 s"), (121, "2 min 1 s")],
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


def test_throughput_has_a_line_of_medians_per_file_size():
    figure = files_per_s_by_concurrency(grid())
    (ax,) = figure.axes
    lines = [line for line in ax.get_lines() if line.get_marker() != "None"]

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
    assert key(files_per_s_by_concurrency(grid())) == [
        "median of the runs",
        "slowest to fastest run",
    ]
    once = files_per_s_by_concurrency(runs([100.0]))
    assert once.axes[0].get_legend() is None


def test_throughput_is_titled_labelled_and_footnoted():
    table = grid()
    figure = files_per_s_by_concurrency(table)
    (ax,) = figure.axes

    assert title(figure) == verdict(table)
    assert ax.get_xlabel() == "Concurrency: executions at once (log)"
    assert ax.get_ylabel() == "Files per second (log)"
    assert footnote(figure) == WHERE
    texts = {text.get_text() for text in ax.texts}
    assert {"10 kB files", "100 kB files"} <= texts
    assert "goal: 1M files in 60 s (16,667 files/s)" in texts


def test_throughput_shows_the_goal_and_ticks_at_measured_values_only():
    (ax,) = files_per_s_by_concurrency(grid()).axes
    goals = [line for line in ax.get_lines() if line.get_linestyle() == "--"]

    assert list(goals[0].get_ydata()) == [GOAL_RATE, GOAL_RATE]
    assert ax.get_xticks().tolist() == [1, 2, 4]
    assert ax.get_ylim()[1] > GOAL_RATE


def test_a_grid_may_have_as_many_sizes_as_a_chart_shows():
    """
    Otherwise the chart would be refused after everything was measured.
    """
    sizes = list(range(1, MOST_SIZES + 1))
    files_per_s_by_concurrency(grid(sizes))

    with pytest.raises(ChartError):
        files_per_s_by_concurrency(grid([*sizes, 99]))
    plt.close("all")


def test_lines_differ_in_more_than_colour():
    (ax,) = files_per_s_by_concurrency(grid(sizes=(1, 2, 3, 4))).axes
    markers = [line.get_marker() for line in ax.get_lines()]

    assert len({marker for marker in markers if marker != "None"}) == 4


def test_more_sizes_than_lines_can_be_told_apart_are_refused():
    with pytest.raises(ChartError, match="5 values of file_kb are too many for one ch"):
        files_per_s_by_concurrency(grid(sizes=(1, 2, 3, 4, 5)))
    plt.close("all")


def test_throughput_faster_than_the_goal_stays_inside_the_chart():
    (ax,) = files_per_s_by_concurrency(runs([GOAL_RATE * 5])).axes

    assert ax.get_ylim()[1] > GOAL_RATE * 5


def test_throughput_of_one_setting_and_of_nothing_can_be_drawn(tmp_path):
    for table in (runs([100.0]), runs([0.0]), pd.concat([runs([0.0]), runs([5.0])])):
        files_per_s_by_concurrency(table).savefig(tmp_path / "chart.png")


def test_the_timeline_has_a_bar_a_phase_where_it_began():
    sources = urls((0, 4)), urls((4, 4))
    table = shards(
        invocation(sources[0]), invocation(sources[1], shard=1, sent_at=SENT_AT + 3)
    )
    (ax,) = timeline(table, WHERE).axes
    bars = {
        phase.get_label(): [
            (box.x0, round(box.width, 3))
            for box in (path.get_extents() for path in phase.get_paths())
        ]
        for phase in ax.collections
    }

    assert bars["queued"] == [(0, 1), (3, 1)]
    assert bars["starting"] == [(1, 0.75), (4, 0.75)]
    assert bars["downloading"] == [(1.75, 1), (4.75, 1)]
    assert bars["reporting"] == [(2.75, 0.25), (5.75, 0.25)]


def test_the_timeline_is_titled_labelled_and_footnoted():
    figure = timeline(shards(invocation(urls((0, 4)))), WHERE)
    (ax,) = figure.axes

    assert title(figure) == (
        "1 invocation took 2.0 s; 50 % of their time went into downloading"
    )
    assert ax.get_xlabel() == "Seconds since the run began"
    assert ax.get_ylabel() == "Invocation, in the order sent"
    assert footnote(figure) == WHERE
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1"]


def test_the_timeline_shows_what_was_lost(tmp_path):
    table = shards(
        invocation(urls((0, 4))), invocation(urls((4, 4)), shard=1, error="it died")
    )
    figure = timeline(table, WHERE)

    assert "lost" in key(figure)
    figure.savefig(tmp_path / "chart.png")


def test_the_timelines_key_is_above_its_bars():
    """
    Inside, it lay on the last bars: with few invocations they end far right.
    """
    figure = timeline(shards(invocation(urls((0, 4)))), WHERE)

    assert key(figure) == ["queued", "starting", "downloading", "reporting"]


def test_a_timeline_of_one_run_among_several_says_which():
    figure = timeline(shards(invocation(urls((0, 4)))), WHERE, of="Concurrency 4")

    assert title(figure).startswith("Concurrency 4: 1 invocation took 2.0 s;")


def test_a_timeline_of_nothing_but_losses_can_be_drawn(tmp_path):
    figure = timeline(shards(invocation(urls((0, 4)), error="it died")), WHERE)

    assert "0 % of their time went into downloading" in title(figure)
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
    assert footnote(figure) == WHERE
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
