"""How charts look: words stay in the picture, and an axis has ticks enough."""

import matplotlib.pyplot as plt
import pytest

from experiment.charts.drawing import finished, new_axes, tick_round

LONG_TITLE = (
    "On this machine, at concurrency 1,000, 1M files of 1.7 MB would take 59 min 59 s: "
    "outside the 60 s goal"
)
LONG_FOOTNOTE = (
    "target: local, this machine (64 × Intel(R) Xeon(R) Platinum 8488C CPU @ 2.40GHz, "
    "512 GiB, Linux), not AWS. 1,000,000 files a run"
)


def test_long_words_stay_inside_the_picture():
    ax = new_axes()
    ax.set_ylim(0, 1_000_000)  # wide ticks push the title to the right
    ax.yaxis.set_major_formatter("{x:,.0f}")
    figure = finished(ax, LONG_TITLE, LONG_FOOTNOTE)
    figure.canvas.draw()
    margin = 5
    left, right = margin, figure.bbox.width - margin

    for text in (ax._left_title, figure._supxlabel):
        extent = text.get_window_extent()
        assert left <= extent.x0
        assert extent.x1 <= right


def test_a_title_is_never_broken_inside_a_figure():
    for letters in range(60):
        ax = new_axes()
        finished(ax, f"{'x' * letters} takes 4 min 22 s: 99 % of 60 s", "")
        lines = ax.get_title(loc="left").splitlines()

        assert not any(line[-1].isdigit() or line.endswith("min") for line in lines)


@pytest.mark.parametrize(
    ("low", "high"),
    [(20, 50), (21, 24), (20.1, 20.9), (0.3, 35), (1, 1e6), (1_900, 34_000), (7, 7)],
)
def test_a_log_axis_has_some_ticks_and_not_too_many(low, high):
    ax = new_axes()
    ax.plot([low, high], [0, 1])
    ax.set_xscale("log")
    tick_round(ax.xaxis)
    shortest, longest = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if shortest <= tick <= longest]
    plt.close()

    assert 3 <= len(ticks) <= 12
