"""Tables to draw charts of, and what is written on a chart."""

import pandas as pd
from tests.support.recorded_invocations import done, invocation, table_of, urls

from experiment.tables.shards_table import shards_table
from experiment.tables.words import where_measured
from fetcher.contract.outcome import Outcome


def runs(files_per_s=(100.0,), *, concurrency=4, file_kb=10, files=400, **more):
    """Runs of one setting, each long enough to be projected; 0 files/s: none is ok."""
    rates = pd.Series(files_per_s, dtype=float)
    ok = files * (rates > 0)
    return pd.DataFrame(
        {
            "concurrency": concurrency,
            "file_kb": file_kb,
            "memory_mb": 1_769,
            "engine": "curl",
            "sink": "directory",
            "connections": 20,
            "cold": False,
            "sized_by": "files",
            "files": files,
            "ok": ok.astype(int),
            "files_per_s": rates,
            "startup_s": 0.25,
            "steady_s": 5.0,
            "tail_s": 0.25,
            "million_s": (1e6 / rates).where(rates > 0),
            "million_band": (0.0 if files >= 10**6 else 0.15 + 0 * rates),
            "target": "local",
            "machine": "a machine",
            "cores": 2,
            "cores_busy": 1.9,
            "own_cores": 1.8,
            "execution_cores": 1.2,
            "origin_cores": 0.5,
            "stolen_cores": 0.0,
            "cpu_us_per_file": 100.0,
            "projected_usd_per_million": 0.05,
        }
        | more
    )


WHERE = where_measured(runs())


def shards(*invocations):
    return shards_table(invocations, run="r", target="local")


def downloads(*seconds, file_kb=10, outcome=Outcome.OK):
    source = urls((0, len(seconds)))
    ends = [done(outcome, seconds=value) for value in seconds]
    return table_of([invocation(source, ends)], source).assign(file_kb=file_kb)


def key(figure):
    """What is written above the axes, and whether it is clear of them."""
    legend = figure.axes[0].get_legend()
    figure.canvas.draw()
    assert legend.get_window_extent().y0 >= figure.axes[0].bbox.y1
    return [text.get_text() for text in legend.get_texts()]


def title(figure):
    """The first axes' title, on one line."""
    return " ".join(figure.axes[0].get_title(loc="left").split())
