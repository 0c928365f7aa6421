"""Medians and ratios of a bench, and the tables and sentences made of them."""

import re

import pandas as pd
import pytest
from tests.support.bench_rows import runs, whole

from experiment.bench.comparison import finding, summarise
from experiment.bench.text_tables import as_text, rss_as_text

HTTPS = {"scheme": "https"}
FAILED = {"error": "0.jpg has 9 bytes, not 10,000"}
THE_BEST = "× the best peer's files/s"
RATIOS = ["files/s ÷ best peer's", "CPU ÷ curl -Z's"]
BY_HAND = (
    ("fetcher (a)", 100, 60, {}),
    ("curl -Z", 50, 80, {}),
    ("wget2", 90, 120, {}),
    ("fetcher (a)", 130, 20, {}),
    ("curl -Z", 70, 100, {}),
    ("wget2", 80, 150, {}),
    ("fetcher (a)", 120, 40, {}),
    ("curl -Z", 60, 80, {}),
    ("wget2", 200, 130, {}),
)


def row(summary, program):
    (found,) = summary[summary["program"] == program].to_dict("records")
    return found


@pytest.mark.parametrize(
    ("program", "rate", "cpu"),
    [("fetcher (a)", 120 / 90, 0.5), ("curl -Z", 60 / 90, 1), ("wget2", 1, 130 / 80)],
)
def test_ratios_are_to_the_best_peers_median_and_to_curls(program, rate, cpu):
    """
    One lucky run of a peer, 200 files/s, does not make it the best, nor faster.
    """
    found = row(summarise(runs(*BY_HAND)), program)

    assert found["runs"] == 3
    assert found["files_per_s_vs_best_peer"] == pytest.approx(rate)
    assert found["cpu_vs_curl"] == pytest.approx(cpu)


def test_each_setting_has_a_best_peer_of_its_own_in_the_order_of_the_runs():
    table = summarise(
        runs(
            ("wget2", 200, 1, HTTPS),
            ("fetcher (a)", 100, 1, HTTPS),
            ("wget2", 50, 1, {}),
            ("fetcher (a)", 100, 1, {}),
        )
    )
    ours = table[table["ours"]]

    assert list(table["program"]) == ["wget2", "fetcher (a)"] * 2
    assert list(ours["scheme"]) == ["https", "http"]
    assert list(ours["files_per_s_vs_best_peer"]) == [0.5, 2.0]


def test_a_failed_run_is_counted_and_does_not_count_as_fast():
    """
    Who writes half of the files is done in half of the time.
    """
    rows = ("wget2", 50, 10, {}), ("wget2", 900, 1, FAILED), ("wget2", 70, 20, {})
    found = row(summarise(runs(*rows)), "wget2")

    assert found["files_per_s"] == 60
    assert found["runs"] == 3
    assert found["failed_runs"] == 1
    assert found["error"] == FAILED["error"]

    table = summarise(runs(("fetcher (a)", 100, 1, {}), ("curl -Z", 9, 1, FAILED)))
    assert pd.isna(row(table, "curl -Z")["files_per_s"])  # the row stays
    assert pd.isna(row(table, "fetcher (a)")["cpu_vs_curl"])
    assert "curl -Z 1.2" in as_text(table)
    assert "  1 of 1 runs failed: 0.jpg has 9 bytes, not 10,000" in as_text(table)


def test_the_text_has_a_table_for_each_setting():
    setting, *table = as_text(summarise(runs(*BY_HAND))).splitlines()

    assert setting == "HTTP, 30,000 files of 10 kB, 100 connections"
    assert [re.split(r"  +", line) for line in table] == [
        ["", "files/s", "MB/s", "CPU µs/file", "peak RSS MB", *RATIOS],
        ["fetcher (a) 1.2", "120", "1", "40", "20", "1.33", "0.50"],
        ["curl -Z 1.2", "60", "1", "80", "20", "0.67", "1.00"],
        ["wget2 1.2", "90", "1", "130", "20", "1.00", "1.62"],
    ]
    assert len({len(line) for line in table}) == 1
    assert as_text(summarise(whole())).count("\n\n") == 5


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [
                ("fetcher (b)", 99, 99, {}),
                ("fetcher (a)", 50, 90, {}),
                ("curl -Z", 100, 30, {}),
            ],
            f"fetcher (a): 3.00 × curl -Z's CPU per file, 0.50 {THE_BEST}",
        ),
        (
            [
                ("fetcher (a)", 2, 1, {}),
                ("wget2", 1, 1, {}),
                ("fetcher (a)", 2, 1, HTTPS | FAILED),
                ("wget2", 1, 1, HTTPS),
            ],
            (
                "fetcher (a), in 1 of 2 settings, having failed in the others: 2.00 "
                f"{THE_BEST}"
            ),
        ),
        ([("fetcher (a)", 1, 1, {})], "fetcher (a): no peer to compare with"),
        (
            [("fetcher (a)", 2, 1, {}), ("wget2", 1, 1, {})],
            f"fetcher (a): 2.00 {THE_BEST}",
        ),
        (
            [("fetcher (a)", 2, 1, FAILED), ("wget2", 1, 1, {})],
            "No run of ours ended well: there is nothing to compare",
        ),
    ],
)
def test_the_finding_says_all_that_was_measured_and_no_more(rows, said):
    """
    Also if ours is worse; and ratios of some settings must not look like a success.
    Of several engines of ours, it is about the one that takes least CPU.
    """
    assert finding(summarise(runs(*rows))) == said


def test_memory_is_told_by_the_number_of_urls():
    rss = runs(
        ("fetcher (a)", 1, 1, {"files": 1_000}),
        ("fetcher (b)", 1, 1, {"files": 1_000, "peak_rss_bytes": 41_600_000}),
        ("fetcher (a)", 1, 1, {"files": 100_000}),
        ("fetcher (b)", 1, 1, {"files": 100_000, "error": "killed by SIGKILL"}),
    )

    assert rss_as_text(rss).splitlines() == [
        "Peak RSS, 10 kB files over HTTP",
        "             1,000 URLs  100,000 URLs",
        "fetcher (a)       20 MB         20 MB",
        "fetcher (b)       42 MB        failed",
        "  fetcher (b), 100,000 URLs: killed by SIGKILL",
    ]
