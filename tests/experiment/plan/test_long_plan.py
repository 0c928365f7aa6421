"""A list is dispatched as it is read: at once, and in memory that does not grow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.report_stub import report_stub
from tests.support.stub_process import what_came

ALONE = Path(__file__).parents[2] / "support" / "fan_out_alone.py"
AT_ONCE = 1_000_000  # lines


def written(path, many):
    with path.open("w") as file:
        for first in range(0, many, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, many))
            file.write("".join([f"http://host/{n:09}\n" for n in numbers]))
    return path


def dispatched(folder, limit_s=300, **settings):
    """Fan out over a stub; how soon it was called, and how it went."""
    settings |= {"run_folder": str(folder)}
    with report_stub() as url:
        done = subprocess.run(
            [sys.executable, ALONE, json.dumps(settings), url],
            stdout=subprocess.PIPE,
            text=True,
            timeout=limit_s,
            check=True,
        )
        came = what_came(url)
    told = json.loads(done.stdout.splitlines()[-1])
    assert came["files"] == told["counts"]["ok"] == sum(told["counts"].values())
    for which in ("first", "last"):
        came[f"{which}_after_s"] = came[f"{which}_at"] - told["began_at"]
    return told | came


def test_memory_is_flat_and_the_first_call_comes_at_once(tmp_path):
    """
    Two hundred thousand URLs dealt either way are held against ten thousand.
    """
    wide = {"concurrency": 20, "shards_per_execution": 5}
    path = written(tmp_path / "few.txt", 10_000)
    few = dispatched(tmp_path / "few", url_list=str(path), **wide)
    path = written(tmp_path / "many.txt", 200_000)
    for deal_by in ("count", "host"):
        wide["deal_by"] = deal_by
        long = dispatched(tmp_path / deal_by, url_list=str(path), **wide)

        assert (few["files"], long["files"]) == (10_000, 200_000)
        assert long["cpu_before_first_call"] < 0.5
        assert long["fan_out_peak_bytes"] < 1.25 * few["fan_out_peak_bytes"]
        assert long["peak_bytes"] < 1.25 * few["peak_bytes"]


@pytest.mark.soak
@pytest.mark.parametrize("from_list", [False, True], ids=["numbered", "listed"])
def test_what_a_file_costs_the_notebook_is_little_and_flat(tmp_path, from_list):
    """
    Planned, dealt, sent, read, kept in the ledger, put into tables: 6 µs for it all.
    """
    costs = {}
    for many in (10_000, 100_000, 1_000_000):
        path = written(tmp_path / f"{many}.txt", many)
        what = {"url_list": str(path)} if from_list else {"files": many}
        run = dispatched(
            tmp_path / f"{many}",
            **what,
            concurrency=10,
            shards_per_execution=many // 10_000,
        )
        costs[many] = run["fan_out_us"] + run["result_us"]
        print(f"\n{json.dumps(run)}")

    assert costs[1_000_000] < 6
    assert from_list or costs[100_000] < 6  # that list is short enough to be checked


@pytest.mark.soak
@pytest.mark.parametrize("from_list", [False, True], ids=["numbered", "listed"])
def test_a_hundred_million_urls_start_within_two_seconds(tmp_path, from_list):
    """
    And take little more memory than notebooks do: 230 MB, and 145 MB for the names of
    8 million rows of a list, by which it finds duplicates.
    """
    many, path = 100_000_000, tmp_path / "urls.txt"
    what = {"url_list": str(written(path, many))} if from_list else {"files": many}
    run = dispatched(tmp_path / "run", limit_s=1_800, concurrency=1_000, **what)
    path.unlink(missing_ok=True)
    print(f"\n{json.dumps(run)}")

    assert run["files"] == many
    assert run["first_after_s"] < 2
    assert run["fan_out_peak_bytes"] < (400e6 if from_list else 300e6)
