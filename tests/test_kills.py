"""Whatever is killed in the middle of a run, no file is lost, and none comes twice."""

import pytest
from tests import kills


def tried(kill, folder, **size):
    with kills.origin() as (process, url):
        trial = kills.Trial(folder, url, **size)
        kill(trial, process)
        trial.check()


@pytest.mark.parametrize("kill", [kills.kill_an_execution, kills.kill_the_endpoint])
def test_a_run_goes_on_after_a_kill(kill, tmp_path):
    tried(kill, tmp_path / "short", files=600, shards=60)


@pytest.mark.soak
@pytest.mark.parametrize("trial", range(20))
def test_a_run_goes_on_after_a_kill_twenty_times_over(tmp_path, trial):
    kill = kills.KILLS[trial % len(kills.KILLS)]
    tried(kill, tmp_path / f"run-{trial}", files=3_000, shards=100)
