"""A grid's further axes: each on its own chart, cold apart from warm."""

from itertools import product

import pandas as pd
from tests.support import chart_tables
from tests.support.chart_tables import title

from experiment.charts.axis_effects import axis_charts
from experiment.tables.display_tables import grid_summary
from experiment.tables.scaling_limit import like_the_best
from experiment.tables.verdict import verdict


def runs(*, memories=(512, 1_769), engines=("curl", "aiohttp")):
    """
    More memory and curl are quicker, warm is quicker than cold; one run is lucky.
    """
    tables = []
    for memory_mb, engine, cold, concurrency in product(
        memories, engines, (True, False), (1, 2)
    ):
        rate = concurrency * memory_mb / (1 + cold) / (1 + (engine != "curl"))
        setting = {"memory_mb": memory_mb, "engine": engine, "cold": cold}
        rates = [0.9 * rate, rate, 5 * rate]
        tables.append(chart_tables.runs(rates, concurrency=concurrency, **setting))
    return pd.concat(tables, ignore_index=True)


PLAIN = runs(memories=(512,), engines=("curl",))


def test_the_table_of_a_grid_is_in_the_order_of_its_axes_and_names_what_varies():
    lines = repr(grid_summary(runs())).splitlines()

    assert len(lines) == 1 + 2 * 2 * 2
    assert "Sink" not in lines[0]  # it was not varied
    settings = [line.split()[:6] for line in lines[1:]]
    assert settings[0] == ["10", "kB", "1", "512", "MB", "aiohttp"]
    assert settings[-1] == ["10", "kB", "2", "1,769", "MB", "curl"]


def test_lines_over_concurrency_have_all_else_alike():
    best = like_the_best(runs())[["concurrency", "memory_mb", "engine"]]

    assert set(best.itertuples(index=False, name=None)) == {
        (concurrency, 1_769, "curl") for concurrency in (1, 2)
    }


def test_the_verdict_names_what_was_varied_and_nothing_else():
    said = verdict(runs())

    assert said.startswith("On this machine, at concurrency 2 (1,769 MB, curl), 1M")
    assert "at concurrency 2, 1M files of 10 kB would take" in verdict(PLAIN)


def test_each_thing_varied_has_a_chart_whose_title_says_what_it_is_worth():
    charts = dict(axis_charts(runs()))

    assert list(charts) == ["files_per_s_by_memory_mb", "files_per_s_by_engine"]
    by_memory, by_engine = charts.values()
    assert title(by_memory) == "1,769 MB: 3.5 times as fast as 512 MB, both warm"
    warm, cold = by_memory.axes[0].lines
    assert list(warm.get_ydata()) == [2 * 512, 2 * 1_769]
    assert list(cold.get_ydata()) == [512, 1_769]
    assert title(by_engine) == "curl: 2.0 times as fast as aiohttp, both warm"
    assert not list(axis_charts(PLAIN))


def test_where_bands_overlap_or_nothing_arrived_no_ratio_is_told():
    (_, alike), *_ = axis_charts(runs(memories=(1_700, 1_769), engines=("curl",)))
    nothing = runs().assign(files_per_s=0.0, million_s=None, ok=0)
    titles = [title(chart) for _, chart in axis_charts(nothing)]

    assert title(alike) == "1,769 MB and 1,700 MB: no difference shown"
    assert all(one.startswith("No file arrived with ") for one in titles)
    assert "nothing can be said" in verdict(nothing)
