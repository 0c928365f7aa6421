"""The bench from end to end, with few files; Ctrl-C."""

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil
import pytest

from experiment.bench import __main__ as module
from experiment.bench import benchmarks
from experiment.bench.__main__ import FULL, QUICK, Scale, bench, main
from experiment.bench.comparison import summarise
from experiment.bench.programs import Program, installed
from experiment.ledger.run_folder import read_run
from origin import OriginError, jpeg
from origin.nginx import is_installed

TINY = Scale(files={1_000: 20}, repeats=2, rss_files=(5, 10), rss_file_bytes=1_000)
WAIT_S = 180  # upper bound of every wait here; nothing takes it unless it is broken
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A bench that has been run: its exit status and its folder."""
    folder = tmp_path_factory.mktemp("results") / "20261124T120000Z-bench-local"
    return bench(TINY, folder), folder


def test_every_program_takes_its_turn_in_every_setting_and_nothing_fails(done):
    """
    Else whatever the machine does for a while meets one of them only.
    """
    status, folder = done
    runs = pd.read_csv(folder / "bench.csv", keep_default_na=False)
    schemes = ["http", "https"] if is_installed() else ["http"]
    names = [program.name for program in installed()]

    assert status == 0
    assert list(runs["program"]) == names * 2 * len(schemes)
    assert runs["started_at"].is_monotonic_increasing
    assert list(runs["scheme"].unique()) == schemes
    assert set(runs["error"]) == {""}
    assert (runs["target"] == "local").all()


def test_the_summary_is_that_of_the_runs(done):
    folder = done[1]
    runs, summary = (
        pd.read_csv(folder / name, dtype={"error": str}).fillna({"error": ""})
        for name in ("bench.csv", "bench_summary.csv")
    )

    pd.testing.assert_frame_equal(summarise(runs), summary)


def test_the_memory_of_our_programs_is_measured_with_few_and_with_many_files(done):
    rss = pd.read_csv(done[1] / "rss.csv")

    assert list(rss["files"].unique()) == [5, 10]
    assert set(rss["program"]) == {one.name for one in installed() if one.ours}
    assert (rss["peak_rss_bytes"] > 10**6).all()


def test_the_folder_explains_itself(done):
    folder = done[1]
    record = read_run(folder)

    assert record["target"] == "local"
    assert record["programs"].keys() == {program.name for program in installed()}
    assert record["verdict"].startswith("fetcher (")
    assert record["started"] < record["ended"]
    assert (folder / "bench.png").read_bytes().startswith(PNG)


def test_a_program_that_fails_is_in_the_table_and_results_are_named_last(
    monkeypatch, tmp_path, capsys
):
    """
    Dropped without a word it would look as if nobody had tried it.
    """
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(jpeg(1_000))
    copy = ("sh", "-c", f"xargs -a {{urls}} tee < {picture} > {os.devnull}")
    instant = [
        Program("fetcher (instant)", "{file}\n", copy, ours=True),
        Program("lazy", "{url}\n", ("true",)),
    ]
    monkeypatch.setattr(benchmarks, "installed", lambda: instant)
    monkeypatch.setattr(benchmarks, "not_installed", lambda: ["wget2", "aria2c"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("experiment.ledger.run_folder.root", lambda: tmp_path)
    monkeypatch.setattr(module, "QUICK", TINY)

    assert main(["--quick"]) == 1
    said = capsys.readouterr()
    assert "2 of 2 runs failed: 0 of 20 files arrived; 0.jpg is missing" in said.out
    assert "peers    not installed and left out: wget2, aria2c\n" in said.out
    assert re.findall(r"^lazy +- +- +- +- +- +-$", said.out, re.MULTILINE)
    assert "run 1 of 2, lazy: 0 of 20 files arrived; 0.jpg is missing" in said.err
    run, chart, verdict = said.out.splitlines()[-3:]
    assert re.fullmatch(r"run      results/\d{8}T\d{6}Z-bench-local", run)
    assert chart == f"chart    {run.split()[1]}/bench.png"
    assert verdict == "verdict  fetcher (instant): no peer to compare with"


def test_an_origin_that_does_not_start_is_status_2(monkeypatch, tmp_path, capsys):
    def fail(_sizes):
        msg = "nginx does not answer."
        raise OriginError(msg)

    monkeypatch.setattr("experiment.ledger.run_folder.root", lambda: tmp_path)
    monkeypatch.setattr(module, "origin_for", fail)

    assert main([]) == 2
    assert capsys.readouterr().err == "bench: nginx does not answer.\n"
    assert list(tmp_path.iterdir()) == []


def test_both_scales_cover_the_same_sizes():
    assert FULL.files.keys() == QUICK.files.keys() == {10_000, 100_000, 1_700_000}
    assert FULL.rss_files == (1_000, 100_000)


INTERRUPTED = """
import sys
from pathlib import Path
import experiment.ledger.run_folder
from experiment.bench import __main__ as bench
from experiment.bench import benchmarks
from experiment.bench.programs import Program

experiment.ledger.run_folder.root = lambda: Path({root!r})
stuck = "echo $PWD > {fifo}; sleep 60"
benchmarks.installed = lambda: [
    Program("lazy", "{{url}}\\n", ("true",)),
    Program("stuck", "{{url}}\\n", ("sh", "-c", stuck)),
]
sys.exit(bench.main([]))
"""


def test_a_bench_that_is_told_to_end_leaves_nothing_but_what_was_measured(tmp_path):
    """
    By SIGTERM, which is made to do as Ctrl-C does by itself.
    """
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = INTERRUPTED.format(root=str(tmp_path), fifo=fifo)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as process:
        folder = Path(fifo.read_text().strip())  # the second program is at work
        children = psutil.Process(process.pid).children(recursive=True)
        ends = [os.pidfd_open(child.pid) for child in children]
        folders = {folder, *(Path(child.cwd()) for child in children)} - {Path.cwd()}
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=WAIT_S)

    assert process.returncode == 130
    assert "interrupted; the measurements are in" in said
    assert all(select.select([end], [], [], WAIT_S)[0] for end in ends)
    assert not [folder for folder in folders if folder.exists()]
    (results,) = (tmp_path / "results").iterdir()
    assert list(pd.read_csv(results / "bench.csv")["program"]) == ["lazy"]
    assert "ended" not in read_run(results)
