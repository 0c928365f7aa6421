"""The first notebook under nbval as it is committed: its defaults need nothing else."""

import re
import shutil
import subprocess
import sys

from tests.support.notebook_cells import FOLDER, cells_of

from experiment.parameters.project_root import root

FIRST = FOLDER / "00_start_here.ipynb"  # papermill executes them all, this one too


def test_nbval_passes_over_a_notebook_with_its_defaults(tmp_path):
    shutil.copy(FIRST, tmp_path)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-c", str(root() / "pyproject.toml")),
        *("--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "120"),
        *("-p", "no:cacheprovider", str(tmp_path)),
    ]
    done = subprocess.run(
        command, cwd=root(), capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    passed = rf"^{len(cells_of(FIRST))} passed in"
    assert re.search(passed, done.stdout, re.MULTILINE), done.stdout
