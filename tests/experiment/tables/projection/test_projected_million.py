"""Start-up, steady rate and tail of a run told apart, and the million they lead to."""

import pandas as pd
import pytest

from experiment.parameters.project_root import root
from experiment.tables.projection.projected_million import projection_of
from experiment.tables.projection.run_phases import phases_of

# Two executions: one downloads from 1 s on, the other from 2 s on; they answer at 6 s
# and 7 s.
SHARDS = [(0, 1, 6, 5_000), (0, 2, 7, 5_000)]


def shards(*rows, session=0, reporting_s=0.5, target="local"):
    """Invocations as (sent, first download, answered, files)."""
    names = ["invoked_at", "downloading_at", "answered_at", "ok"]
    table = pd.DataFrame(rows, columns=names, dtype=float)
    downloaded_at = table["answered_at"] - reporting_s
    return table.assign(session=session, downloaded_at=downloaded_at, target=target)


def test_a_run_is_steady_while_nearly_all_executions_are_at_work():
    phases = phases_of(shards(*SHARDS))

    assert (phases.startup_s, phases.steady_s, phases.tail_s) == (2, 4, 1)
    assert phases.startup_files == phases.tail_files == 1_000
    assert phases.steady_files == (4_000, 4_000)


def test_on_aws_the_clock_of_an_answer_is_not_that_of_the_download():
    """
    Executions were 2 s ahead of the notebook, or 5 s behind it.
    """
    rows = shards((0, 1, 6, 5_000), (0, 1, 6, 5_000), target="aws")
    for ahead_s in (-5, 0, 2):
        shifted = rows.assign(
            downloading_at=rows["downloading_at"] + ahead_s,
            downloaded_at=rows["downloaded_at"] + ahead_s,
        )

        assert phases_of(shifted).steady_s == 4.5
        assert sum(phases_of(shifted).steady_files) == 10_000


def test_pauses_between_shards_belong_to_the_steady_phase():
    phases = phases_of(shards((0, 1, 3, 10), (3, 4, 6, 10)))

    assert (phases.startup_s, phases.steady_s, phases.tail_s) == (1, 5, 0)


def test_to_report_takes_each_file_its_time_however_they_are_dealt():
    """
    Else a run of one shard would seem faster than the million, which has many.
    """
    one = shards((0, 0, 4, 4_000), reporting_s=1)
    two = shards((0, 0, 2, 2_000), (2, 2, 4, 2_000), reporting_s=0.5)

    assert projection_of(one)["million_s"] == projection_of(two)["million_s"] == 1_000


def test_a_projection_is_start_and_tail_once_and_the_rest_at_the_steady_rate():
    figures = projection_of(shards(*SHARDS))

    assert figures["steady_files_per_s"] == 2_000
    assert figures["million_s"] == 2 + (1_000_000 - 2_000) / 2_000 + 1
    assert figures["million_band"] == 0.15


def test_a_resumed_run_counts_its_starts_once():
    once = projection_of(shards(*SHARDS))
    twice = projection_of(pd.concat([shards(*SHARDS), shards(*SHARDS, session=1)]))

    assert twice["million_s"] == once["million_s"]
    assert twice["startup_s"] == 2 * once["startup_s"]


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 1, 1.5, 400), (0, 1, 1.6, 400)],  # half a second of steady downloading
        [(0, 1, 9, 0)],  # nothing arrived
        [(0, float("nan"), 9, 0)],  # no report came
    ],
)
def test_what_is_too_short_or_empty_is_not_projected(rows):
    figures = projection_of(shards(*rows))

    assert figures["million_s"] is None
    assert figures["million_band"] is None


def test_a_rate_that_sags_widens_the_band():
    figures = projection_of(shards((0, 0, 5, 9_000), (5, 5, 10, 3_000)))

    assert figures["million_band"] == pytest.approx(0.5)


def test_a_million_is_measured_not_projected():
    figures = projection_of(shards((0, 1, 31, 1_000_000)))

    assert figures["million_s"] == 31
    assert figures["million_band"] == 0


def test_a_million_in_two_sessions_is_projected_since_it_was_interrupted():
    halves = [shards((0, 1, 31, 500_000), session=number) for number in (0, 1)]
    figures = projection_of(pd.concat(halves))

    assert figures["million_s"] == pytest.approx(61)
    assert figures["million_band"] == 0.15


@pytest.mark.parametrize("share", [0.1, 0.2, 0.4])
def test_the_beginning_of_a_published_million_projects_what_all_of_it_took(share):
    """
    A tenth of the first one published downloaded for 4 s.
    """
    path = min(root().glob("results/published/*-40_million-local/shards.parquet"))
    whole = pd.read_parquet(path).sort_values("invoked_at")
    beginning = whole.head(round(share * len(whole)))

    took_s = projection_of(whole)["million_s"]
    assert projection_of(beginning)["million_s"] == pytest.approx(took_s, rel=0.1)
