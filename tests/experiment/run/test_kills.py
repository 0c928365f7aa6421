"""Whatever is killed in the middle of a run, no file is lost, and none comes twice."""

import pytest
from tests.support import killed_runs


def tried(kill, folder, **size):
    with killed_runs.origin() as (process, url):
        trial = killed_runs.Trial(folder, url, **size)
        kill(trial, process)
        trial.check()


def test_a_run_goes_on_after_an_execution_was_killed(tmp_path):
    tried(killed_runs.kill_an_execution, tmp_path / "short", files=600, shards=60)


@pytest.mark.soak
@pytest.mark.parametrize("trial", range(20))
def test_a_run_goes_on_after_a_kill_twenty_times_over(tmp_path, trial):
    kill = killed_runs.KILLS[trial % len(killed_runs.KILLS)]
    tried(kill, tmp_path / f"run-{trial}", files=3_000, shards=100)
