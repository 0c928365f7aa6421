"""A disk that gets full under a run: one line says so, and what to do."""

import errno
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest
from tests.support.notebook_cells import resume_in_process
from tests.support.recorded_invocations import died, invocation, urls
from tests.support.waiting import WAIT_S

from experiment.__main__ import main
from experiment.ledger.invocation import NoRoomError
from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import read_run
from experiment.run import notebook_execution

LEDGER = 400_000  # bytes; the executed notebook is smaller


def there(endpoint):
    return {
        "endpoint_url": endpoint.endpoint_url,
        "origin_url": endpoint.origin_url,
        "file_kb": 1,
    }


def with_room_for(size, *words, stdout=subprocess.PIPE, **parameters):
    """Run the command where no file can be larger; return its end and its complaint."""
    options = [word for one in parameters.items() for word in ("-p", *one)]
    done = subprocess.run(
        [sys.executable, "-m", "experiment", *map(str, [*words, *options])],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=2 * WAIT_S,
        check=False,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size)),
    )
    return done.returncode, done.stderr


def check_goes_on(folder, full, status, said):
    """A full disk is one line that says how to go on, and so it does."""
    assert status == 2
    assert said.startswith(f"experiment: {folder / full} cannot be written: File too")
    assert said.endswith(f"resume with: python -m experiment resume {folder}\n")
    assert said.count("\n") == 1
    assert " kept" in said
    assert list(read_invocations(folder))
    resume_in_process(folder)
    counts = read_run(folder)["totals"]["counts"]
    assert counts["ok"] == sum(counts.values()) > 0


def test_a_ledger_that_a_full_disk_cuts_is_one_line_that_says_how_to_go_on(
    endpoint, tmp_path
):
    """
    One that is larger than all that a run writes before it.
    """
    run = died(tmp_path / "run", function="t-full", **there(endpoint))
    run.reports.append(invocation(urls((4, 2)), shard=2, error="x" * LEDGER))
    run.close(verdict="")
    ended = with_room_for(LEDGER + 2_000, "resume", run.folder)
    check_goes_on(run.folder, "reports.jsonl", *ended)


@pytest.mark.soak
def test_a_notebook_that_a_full_disk_cuts_is_one_line_that_says_how_to_go_on(
    endpoint, tmp_path
):
    """
    Papermill's own error was a traceback, of the notebook's file.
    """
    folder = tmp_path / "run"
    given = {"function": "t-full", "files": 8, "shards_per_execution": 4}
    given |= there(endpoint) | {"run_folder": folder, "tear_down": False}
    ended = with_room_for(60_000, "20_fan_out", **given)
    check_goes_on(folder, "20_fan_out.ipynb", *ended)


def test_a_disk_that_is_full_from_the_start_leaves_nothing(endpoint, tmp_path):
    folder = tmp_path / "run"
    given = there(endpoint) | {"run_folder": folder}
    status, said = with_room_for(2_000, "20_fan_out", **given)

    assert status == 2
    assert said == (
        f"experiment: {folder / '20_fan_out.ipynb'} cannot be written: File too large. "
        "There are no reports yet. Make room and start again.\n"
    )
    assert not folder.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_standard_output_on_a_full_disk_is_named_and_not_the_notebook(
    endpoint, tmp_path
):
    """
    As in `make run > /full/log`: the run's own disk has room.
    """
    given, any_size = there(endpoint), resource.RLIM_INFINITY
    given |= {"run_folder": tmp_path / "run", "tear_down": False}
    with Path("/dev/full").open("w") as full:
        status, said = with_room_for(any_size, "20_fan_out", stdout=full, **given)

    assert status == 2
    *_, last = said.splitlines()  # nbclient may remark that its kernel has ended
    assert last.startswith("experiment: Standard output cannot be written: No space")
    assert "Traceback" not in said


def test_a_full_disk_of_temporary_files_is_named_and_not_the_notebook(
    tmp_path, monkeypatch
):
    """
    The kernel's files are in the folder for temporary ones.
    """
    full = OSError(errno.ENOSPC, "full")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(
        notebook_execution.Kernel, "start_kernel", AsyncMock(side_effect=full)
    )
    with pytest.raises(NoRoomError, match=f"{tmp_path}/temporary/kernel-.* No space"):
        notebook_execution.execute("00_start_here", tmp_path / "run" / "00.ipynb", {})


def test_a_torn_notebook_that_the_disk_does_not_let_go_is_no_second_error(
    tmp_path, monkeypatch, capsys
):
    full = NoRoomError("x cannot be written: Input/output error.")
    broken = OSError(errno.EIO, "broken")
    monkeypatch.setattr(
        "experiment.command.notebook_runner.execute", Mock(side_effect=full)
    )
    monkeypatch.setattr(Path, "unlink", Mock(side_effect=broken))
    folder = tmp_path / "run"

    assert main(["20_fan_out", "-p", "run_folder", str(folder)]) == 2
    assert "x cannot be written: Input/output error." in capsys.readouterr().err
