"""The bench's chart: every figure is in it, and nothing overlaps."""

from itertools import combinations

import matplotlib.pyplot as plt
import pytest
from tests.support.bench_rows import MACHINE, runs, whole

from experiment.bench.chart import compare
from experiment.bench.comparison import finding, summarise


@pytest.fixture(autouse=True)
def _every_figure_is_closed():
    yield
    assert plt.get_fignums() == []


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_a_panel_for_each_size_and_question_and_a_footnote_say_all():
    figure = compare(whole())
    said = figure.get_supxlabel()

    assert len(figure.axes) == 2 * 3
    assert [ax.get_title() for ax in figure.axes[:3]] == [
        "3,000 files of 10 kB",
        "1,500 files of 100 kB",
        "1,000 files of 1.7 MB",
    ]
    assert figure.get_suptitle() == finding(summarise(whole()))
    assert f"target: local, this machine ({MACHINE}), not AWS. 2027-01-15" in said
    assert "Origin: nginx 1.22.1, on loopback; files written to RAM and checked" in said
    assert "100 connections, whole processes, median of 3 (line: least to most)" in said


def test_every_bar_is_a_median_and_tells_it():
    cpu, rate = compare(whole(sizes=[10_000], schemes=["http"])).axes

    assert texts(rate) == ["400", "100", "240", "200"]
    assert texts(cpu) == ["100", "400", "167", "200"]
    assert [bar.get_width() for bar in rate.patches] == [400, 100, 240, 200]


def test_a_program_that_failed_is_in_the_chart_and_says_so():
    failed = {"error": "killed by SIGKILL"}
    cpu, _ = compare(
        runs(
            ("fetcher (a)", 1, 10, {}),
            ("curl -Z", 1, 20, {}),
            ("wget2", 1, 30, failed),
            ("fetcher (a)", 1, 12, {}),
            ("curl -Z", 1, 22, failed),
            ("wget2", 1, 33, failed),
        )
    ).axes

    assert texts(cpu) == ["11", "20 (1 failed)", "failed"]
    none, _ = compare(runs(("fetcher (a)", 1, 10, failed))).axes
    assert texts(none) == ["failed"]


@pytest.mark.parametrize("schemes", [("http",), ("http", "https")])
def test_no_text_overlaps_another(schemes):
    figure = compare(whole(schemes))
    figure.draw_without_rendering()
    drawn = [
        text for ax in figure.axes for text in [*ax.texts, ax.title, ax.yaxis.label]
    ]
    drawn += [figure._suptitle, figure._supxlabel]
    drawn += [text for legend in figure.legends for text in legend.get_texts()]
    boxes = [text.get_window_extent() for text in drawn if text.get_text()]

    assert not [one for one in combinations(boxes, 2) if one[0].overlaps(one[1])]
    assert all(figure.bbox.containsx(x) for box in boxes for x in (box.x0, box.x1))
