"""
Notebooks under nbval, with their defaults.

But for a grid that is made small, an endpoint that most share, and where results go.
"""

import re
import shutil
import subprocess
import sys

import papermill
import pytest
from tests.support.notebook_cells import PATHS, cells_of

from experiment.ledger.machine import root


@pytest.fixture
def changed(endpoint, tmp_path):
    """
    Other parameters by notebook; the first one starts an endpoint of its own.
    """
    there = {"endpoint_url": endpoint.endpoint_url}
    at_hand = there | {"origin_url": endpoint.origin_url, "function": "t-nbval"}
    small = {"concurrency": [1], "file_kb": [3], "repeats": 1}
    return {
        "10_deploy": there | {"function": "t-nbval-too"},
        "99_tear_down": there,
        "20_fan_out": at_hand | {"run_folder": str(tmp_path / "fan-out")},
        "30_grid": at_hand | {"run_folder": str(tmp_path / "grid")} | small,
        "40_million": at_hand | {"run_folder": str(tmp_path / "million")},
    }


def test_nbval_passes_over_every_notebook(changed, tmp_path):
    for path in PATHS:
        copy = tmp_path / path.name
        if path.stem in changed:
            papermill.execute_notebook(
                path, copy, changed[path.stem], prepare_only=True, progress_bar=False
            )
        else:
            shutil.copy(path, copy)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-c", str(root() / "pyproject.toml")),
        *("--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "120"),
        *("-p", "no:cacheprovider", str(tmp_path)),
    ]
    done = subprocess.run(
        command, cwd=root(), capture_output=True, text=True, timeout=300, check=False
    )
    cells = sum(len(cells_of(path)) for path in PATHS)

    assert done.returncode == 0, done.stdout + done.stderr
    # Those that were given other parameters have a cell more.
    passed = rf"^{cells + len(changed)} passed in"
    assert re.search(passed, done.stdout, re.MULTILINE), done.stdout
