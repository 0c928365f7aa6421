"""JupyterLab's stop button during a run, and how the run goes on."""

from tests.support.held_origin import HeldOrigin
from tests.support.notebook_kernel import notebook_kernel
from tests.support.waiting import WAIT_S, eventually

from experiment.ledger.ledger_file import check_free, read_invocations
from experiment.ledger.run_folder import read_run

SIZE = {"files": 40, "file_kb": 1, "concurrency": 2, "shards_per_execution": 2}
AT_ONCE_S = 20  # on any machine; the origin would be waited for three times as long


def test_a_run_is_stopped_at_once_keeps_what_it_has_and_goes_on(tmp_path, endpoint):
    """
    The origin never replies to most requests, so only the interrupt can end the run.
    """
    folder = tmp_path / "run"
    with HeldOrigin(served=10) as origin, notebook_kernel("20_fan_out") as kernel:
        given = SIZE | {"origin_url": origin.url, "run_folder": str(folder)}
        stopped, took_s = kernel.run_all(given, seen=lambda said: "10 ok" in said)

        (error,) = (one for one in stopped if one["msg_type"] == "error")
        (line,) = error["traceback"]
        assert line.startswith(f"Stopped: 10 of 40 kept in {folder}; to go on: ")
        assert line.endswith(f"python -m experiment resume {folder}")
        assert all(one.get("name") != "stderr" for one in stopped)
        assert took_s < AT_ONCE_S
        eventually(lambda: not kernel.children(), within_s=WAIT_S)
        assert len(list(read_invocations(folder))) == 1

        check_free(folder)  # this process, too, could resume it
        origin.open.set()
        elsewhere = {"endpoint_url": endpoint.endpoint_url}
        done, _ = kernel.run_all(given | elsewhere | {"resume": True})
        assert not [one for one in done if one["msg_type"] == "error"]
        waits = "import time; print('waiting'); time.sleep(60)"
        said, _ = kernel.run(waits, seen=lambda text: "waiting" in text)
        (error,) = (one for one in said if one["msg_type"] == "error")
        assert error["traceback"] == [
            "Stopped: to go on, run this cell and those below it again"
        ]
    assert read_run(folder)["totals"]["counts"]["ok"] == 40
