"""The wild bench: careless and lazy programs, and what is said of them."""

import sys

import pandas as pd
import pytest

from experiment.bench import benchmarks as tables
from experiment.bench.comparison import wild_finding
from experiment.bench.programs import Program, wild_not_installed, wild_programs
from experiment.bench.text_tables import wild_as_text
from experiment.bench.wild_run import WildSetting

SETTING = WildSetting(urls=22, hosts=8, limit_s=60)  # too few for silent ones
NAIVE = """
import pathlib, sys, urllib.request
from concurrent.futures import ThreadPoolExecutor

def fetch(url):
    try:
        body = urllib.request.urlopen(url, timeout=30).read()
    except OSError:
        return
    pathlib.Path(url.rpartition("/")[2]).write_bytes(body)

with ThreadPoolExecutor(22) as pool:
    list(pool.map(fetch, open(sys.argv[1]).read().split()))
"""
PROGRAMS = [
    Program("naive", "{url}\n", (sys.executable, "-c", NAIVE, "{urls}"), version="1"),
    Program("lazy", "{url}\n", ("sh", "-c", "echo no time; exit 3"), ours=True),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "wild_programs", lambda: PROGRAMS)
        patch.setattr(tables, "wild_not_installed", lambda: ["wget2"])
        return tables.wild(SETTING, folder), folder


def test_good_files_and_junk_are_counted_and_what_they_cost(measured):
    _, folder = measured
    naive, lazy = pd.read_csv(folder / "wild.csv").to_dict("records")
    files = pd.read_csv(folder / "wild_files.csv")

    assert naive["good_urls"] == lazy["good_urls"]
    assert naive["good_urls"] == naive["good"] == len(files) == 17
    assert naive["junk"] == 1  # the parked page
    assert 0 < naive["t95_s"] <= naive["last_s"] < naive["wall_s"] < 60
    assert naive["requests"] >= naive["good"]
    assert naive["cpu_s_per_1000_urls"] == pytest.approx(naive["cpu_s"] * 1e3 / 22)
    assert list(files["seconds"]) == sorted(files["seconds"])
    assert lazy["good"] == lazy["requests"] == 0
    assert lazy["error"] == "no good file, exit status 3: no time"


def test_a_program_that_failed_is_in_the_table_and_the_verdict(measured):
    said, folder = measured

    assert said.failed
    assert said.verdict == "realistic list: ours did not get 90 % of the good files"
    assert said.chart.read_bytes().startswith(b"\x89PNG")
    rows = pd.read_csv(folder / "wild.csv", dtype={"error": str}).fillna({"error": ""})
    table = wild_as_text(rows)
    assert "lazy: no good file, exit status 3: no time" in table


def test_who_gets_few_files_is_not_the_quickest():
    rows = pd.DataFrame(
        {
            "ours": [True, False, False],
            "program": ["ours", "hasty", "patient"],
            "t95_s": [9.0, 1.0, 36.0],
            "wall_s": [30.0, 2.0, 215.0],
            "stopped": [False, False, True],
            "good": [99, 50, 98],
            "good_urls": 100,
            "junk": [0, 1, 7],
        }
    )

    assert "the quickest peer, patient: after 36 s, stopped" in wild_finding(rows)
    assert wild_finding(rows[:2]).endswith("; no peer got 90 % of them")


def test_ours_runs_at_its_defaults_and_peers_where_installed(monkeypatch, tmp_path):
    tool = tmp_path / "bin" / "img2dataset"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    metadata = "lib/python3.11/site-packages/img2dataset-1.2.3.dist-info"
    (tmp_path / metadata).mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tool.parent))

    *ours, peer = wild_programs()
    assert all("--connections" not in one.command for one in ours)
    assert (peer.name, peer.version) == ("img2dataset", "1.2.3")
    assert wild_not_installed() == ["curl -Z", "wget2", "aria2c"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert wild_not_installed()[-1] == "img2dataset"
