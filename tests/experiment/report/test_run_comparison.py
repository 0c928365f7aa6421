"""Runs side by side: a ratio with its spread, and noise where it is noise."""

import json
import shutil

import pandas as pd
import pytest
from tests.support import chart_tables

from experiment.parameters.checks import SettingsError
from experiment.parameters.comparison import CompareSettings
from experiment.parameters.project_root import root
from experiment.report import run_comparison
from experiment.report.comparison_charts import growth, millions
from experiment.report.run_comparison import Compared, beside
from experiment.tables.projection.million_time import Million

(PUBLISHED,) = (root() / "results" / "published").glob("*173846Z-40_million-local")


def run(letter, seconds=None, band=0.15, *, kb=10):
    times = (seconds, seconds * (1 - band), seconds * (1 + band)) if seconds else ()
    million = Million(*times, is_measured=False) if times else None
    runs = pd.DataFrame({"file_kb": [kb], "million_s": [seconds]})
    record = {"target": "local", "machine": {"name": "this one"}}
    return Compared(letter, letter, record, None, runs, million)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (run("B", 25.0), "is 2.00 (1.48 to 2.71) times as fast"),
        (run("B", 100.0), "takes 2.00 (1.48 to 2.71) times as long"),
        (run("B", 55.0), "takes 1.10 (0.81 to 1.49) times as long, noise: no diff"),
        (run("B"), "too short to compare"),
        (run("B", 25.0, kb=100), "not compared: its files are of another size"),
    ],
)
def test_a_ratio_has_its_spread_and_is_called_noise_where_bands_overlap(other, said):
    assert beside(run("A", 50.0), other).startswith(said)


def test_the_chart_says_what_the_table_says():
    figure = millions([run("A", 50.0), run("B", 25.0), run("C")])
    title = " ".join(figure.axes[0].get_title(loc="left").split())

    assert "Compared with A, B: is 2.00 (1.48 to 2.71) times as fast" in title
    assert "C: too short to compare" in title


def test_growth_is_drawn_where_one_run_has_ten_times_the_files_of_another():
    def of(files, wall_s, **setting):
        rates = {"wall_s": wall_s, "steady_files_per_s": files / wall_s}
        table = chart_tables.runs([files], files=files, **rates, **setting)
        return run("A", 50.0 if files else None)._replace(runs=table)

    assert growth([of(0, 1.0), of(10_000, 1.0)]) == []
    too_short = of(10_000, 0.3)._replace(million=None)
    assert growth([too_short, of(100_000, 5.0)]) == []
    assert growth([of(10_000, 1.0), of(90_000, 9.0)]) == []
    for other in ({"concurrency": 8}, {"file_kb": 100}, {"machine": "another"}):
        assert growth([of(10_000, 1.0), of(100_000, 5.0, **other)]) == []
    (figure,) = growth([of(100_000, 5.0), of(0, 1.0), of(10_000, 1.0)])
    title = " ".join(figure.axes[0].get_title(loc="left").split())
    assert title == (
        "A million files take 1 min 40 s at the pace of a run of 10,000, and 50.0 s at "
        "that of 100,000"
    )


def test_runs_of_several_machines_and_targets_are_compared_and_it_is_said(tmp_path):
    """
    A run of an earlier version has no phases in its table; they are found anew.
    """
    shutil.copytree(PUBLISHED, tmp_path / "other")
    path = tmp_path / "other" / "run.json"
    record = json.loads(path.read_text())
    record |= {"target": "aws", "machine": record["machine"] | {"name": "elsewhere"}}
    record["settings"] |= {"connections": 7}
    path.write_text(json.dumps(record))
    both = run_comparison.compared([PUBLISHED, tmp_path / "other"])

    assert [one.letter for one in both] == ["A", "B"]
    assert all(one.million.is_measured for one in both)
    told = run_comparison.remarks(both)
    assert "The targets differ (aws and local)" in told
    assert "The machines differ (2 × AMD EPYC" in told
    assert "A and B ran once: their bands are" in told
    assert "B ran once: its band is" in run_comparison.remarks(both[1:])
    assert beside(*both).endswith("noise: no difference shown")
    differing = repr(run_comparison.differences(both)).splitlines()
    assert [line.split()[0] for line in differing[1:]] == ["connections", "machine"]
    assert "aws, us-east-1" in repr(run_comparison.who_is_who(both))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"runs": ["nowhere"]}, "is not the folder of a run that has ended"),
        ({"runs": ["a", "a"]}, "it must be a list of different texts"),
        ({"newest": 9}, "9 runs are too many side by side; at most 8 are"),
        ({"newest": 0}, "newest is 0; it must be at least 1"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(given, said):
    with pytest.raises(SettingsError, match=said):
        CompareSettings(**given).folders()


def test_runs_are_found_by_their_names_among_results_and_published_ones():
    assert CompareSettings(runs=[PUBLISHED.name]).folders() == [PUBLISHED]
    assert len(CompareSettings(newest=1).folders()) == 1
