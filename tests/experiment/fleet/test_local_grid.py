"""The model against runs on this machine, which its constants have not seen."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.support.local_fleet import (
    Setting,
    between,
    predicted,
    published,
    recorded,
)
from tests.support.local_grid import FUNCTION, UNSEEN, LocalGrid

from experiment.fleet import report_tables
from fetcher.process.cores import cores
from rollout.deploy.deployment import destroy

HERE = {
    "call_s": 0.01,
    "cold_start_s": 0.3,
    "connect_s": 0.01,
    "execution_s": {"curl": {10: 100e-6}},
    "origin_s": {"curl": {10: 30e-6}},
    "rest_s": {"curl": {10: 5e-6}},
    "roomy": 1.0,
}


def test_what_runs_beside_an_execution_slows_it():
    one, many = (Setting(10, wide, 50, 4, "curl", 0) for wide in (1, 8 * cores()))
    files = 40_000
    together_s = files * (100e-6 + 30e-6 + 5e-6) / cores()

    assert predicted(many, files, HERE, 0.0) > together_s
    assert predicted(many, files, HERE, cores() * 0.6) > 2 * predicted(
        many, files, HERE, 0.0
    )
    if cores() > 1:
        alone_s = files * 100e-6
        assert predicted(one, files, HERE, 0.0) == pytest.approx(alone_s, rel=0.2)


def test_what_is_published_is_what_the_model_predicts_now():
    """
    From the constants that were measured then; what was measured stays.
    """
    shown = pd.read_csv(report_tables.LOCAL_GRID)
    rows = recorded(report_tables.LOCAL_GRID.parent)

    assert rows["predicted_s"].to_numpy() == pytest.approx(
        shown["predicted_s"].to_numpy(), rel=0.01
    )


@pytest.mark.soak
@pytest.mark.usefixtures("whole_zips")
def test_settings_that_no_constant_has_seen_are_predicted(endpoint, target, tmp_path):
    """
    With LOCAL_GRID=DIR what it finds is kept there, for notebooks/README.md to tell.
    """
    grid = LocalGrid(endpoint, tmp_path)
    try:
        before = grid.calibrated()
        rows = list(grid.compared(before))
        here = between(before, grid.calibrated())
    finally:
        destroy(target, FUNCTION)
    table = published(Path(os.environ.get("LOCAL_GRID", tmp_path / "kept")), here, rows)
    error = (table["ratio"] - 1).abs()
    print(
        f"\n{table.round(2).to_string()}\nmedian error {error.median():.1%}, ", end=""
    )
    print(f"within 25 %: {(error <= 0.25).mean():.0%} of {len(UNSEEN)}")

    assert np.median(error) <= 0.10
    assert (error <= 0.25).mean() >= 0.9
