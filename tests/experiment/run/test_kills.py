"""
Whatever is killed in the middle of a run, no file is lost, and none comes twice.

Short forms: test_resume.py, test_wave.py and test_deaths.py.
"""

import pytest
from tests.support import killed_runs


@pytest.mark.soak
@pytest.mark.parametrize("trial", range(20))
def test_a_run_goes_on_after_a_kill_twenty_times_over(tmp_path, trial):
    kill = killed_runs.KILLS[trial % len(killed_runs.KILLS)]
    with killed_runs.origin() as (process, url):
        run = killed_runs.Trial(tmp_path / f"run-{trial}", url, files=3_000, shards=100)
        kill(run, process)
        run.check()
