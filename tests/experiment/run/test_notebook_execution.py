"""Kernels that do not start, and what they say as they end."""

import pytest
from jupyter_core.utils import run_sync
from tests.support.waiting import eventually

from experiment.run.notebook_execution import kernel


def test_a_kernel_that_does_not_start_says_why(tmp_path, capfd):
    (tmp_path / "zmq.py").write_text('raise ImportError("zmq is broken")')

    with (
        pytest.raises(RuntimeError, match="Kernel died"),
        kernel({"PYTHONPATH": str(tmp_path)}),
    ):
        pass

    assert "zmq is broken" in capfd.readouterr().err


def test_a_kernel_can_be_restarted_and_shows_what_it_said_before_too(tmp_path, capfd):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nprint('hello', file=sys.stderr)"
    )

    with kernel({"PYTHONPATH": str(tmp_path)}) as manager:
        manager.hang_up()
        run_sync(manager.restart_kernel)(now=True)
        eventually(lambda: manager.stderr() == "hello\nhello\n")
        assert capfd.readouterr() == ("", "")
        manager.show_stderr()
        manager.show_stderr()

    assert capfd.readouterr() == ("", "hello\nhello\n")


def test_what_a_kernel_remarks_as_it_ends_is_not_shown(tmp_path, capfd):
    """ipykernel says "IOStream.flush timed out" if the machine is busy then."""
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys\natexit.register(print, 'bye', file=sys.stderr)"
    )

    with kernel({"PYTHONPATH": str(tmp_path)}):
        pass

    assert capfd.readouterr() == ("", "")
