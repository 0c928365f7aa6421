"""A grid's settings: ranked by their medians, each thing varied on its own chart."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from experiment.charts.grid import axis_charts, by_setting, of_the_best, verdict_of_grid


@pytest.fixture(autouse=True)
def _every_figure_is_closed():
    yield
    assert plt.get_fignums() == []


def runs(*, memories=(512, 1_769), engines=("curl", "aiohttp"), parts=(True, False)):
    """
    More memory and curl are quicker, warm is quicker than cold; one run is lucky.
    """
    rows = [
        {
            "target": "local",
            "machine": "a machine",
            "file_kb": 10.0,
            "concurrency": concurrency,
            "memory_mb": memory_mb,
            "engine": engine,
            "sink": "directory",
            "fresh": fresh,
            "files": 400,
            "ok": 400,
            "files_per_s": concurrency
            * memory_mb
            / (1 + fresh)
            / (1 + (engine != "curl"))
            * times,
            "mb_per_s": 1.0,
            "cpu_us_per_file": 100.0,
            "cold_executions": concurrency if fresh else 0,
            "projected_usd_per_million": 0.05,
        }
        for times in (0.9, 1.0, 50.0 if parts == (True, False) else 1.1)
        for memory_mb in memories
        for engine in engines
        for fresh in parts
        for concurrency in (1, 2)
    ]
    return pd.DataFrame(rows)


def test_a_setting_is_its_median_and_the_quickest_comes_first():
    table = by_setting(runs())

    assert table["files_per_s"].is_monotonic_decreasing
    assert (table["runs"] == 3).all()
    best = table.iloc[0]
    assert (best["memory_mb"], best["engine"], best["fresh"]) == (1_769, "curl", False)
    assert best["files_per_s"] == 2 * 1_769
    assert "sink" not in table  # it was not varied
    assert len(table) == 2 * 2 * 2 * 2


def test_cold_and_warm_runs_are_never_in_one_median():
    table = by_setting(runs())
    warm, cold = table[~table["fresh"]], table[table["fresh"]]

    assert len(warm) == len(cold)
    assert (warm["cold_executions"] == 0).all()
    assert (cold["cold_executions"] > 0).all()


def test_lines_over_concurrency_have_all_else_alike():
    best = of_the_best(runs())

    assert set(best["concurrency"]) == {1, 2}
    for name, value in (("memory_mb", 1_769), ("engine", "curl"), ("fresh", False)):
        assert (best[name] == value).all()


def test_the_verdict_names_what_was_varied_and_nothing_else():
    said = verdict_of_grid(runs())

    assert said.startswith("On this machine, at concurrency 2, 1M files of 10 kB would")
    assert said.endswith("(1,769 MB, curl, warm)")
    plain = verdict_of_grid(runs(memories=(512,), engines=("curl",), parts=(False,)))
    assert not plain.endswith(")")


def test_each_thing_varied_has_a_chart_whose_title_says_what_it_is_worth():
    charts = dict(axis_charts(runs()))

    assert list(charts) == ["files_per_s_by_memory_mb", "files_per_s_by_engine"]
    by_memory, by_engine = charts.values()
    title = by_memory.axes[0].get_title(loc="left").replace("\xa0", " ")
    assert " ".join(title.split()) == (
        "1,769 MB: 3.46 times the files per second of 512 MB, both warm"
    )
    warm, cold = by_memory.axes[0].lines
    assert list(warm.get_ydata()) == [2 * 512, 2 * 1_769]
    assert list(cold.get_ydata()) == [512, 1_769]
    title = by_engine.axes[0].get_title(loc="left").replace("\xa0", " ")
    assert title.startswith("curl: 2.00 times the files per second of aiohttp")


def test_a_grid_that_varies_nothing_more_has_no_more_charts():
    assert not list(axis_charts(runs(memories=(512,), engines=("curl",))))


def test_nothing_arrived_is_no_division_by_zero():
    nothing = runs().assign(files_per_s=0.0)
    titles = [
        chart.axes[0].get_title(loc="left").replace("\xa0", " ")
        for _, chart in axis_charts(nothing)
    ]

    assert all(title.startswith("No file arrived with ") for title in titles)
    assert "nothing can be said" in verdict_of_grid(nothing)
