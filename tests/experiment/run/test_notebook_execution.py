"""Kernels that do not start, and what they say as they end."""

import pytest

from experiment.run.notebook_execution import kernel


def test_a_kernel_that_does_not_start_says_why(tmp_path, capfd):
    (tmp_path / "zmq.py").write_text('raise ImportError("zmq is broken")')

    with (
        pytest.raises(RuntimeError, match="Kernel died"),
        kernel({"PYTHONPATH": str(tmp_path)}),
    ):
        pass

    assert "zmq is broken" in capfd.readouterr().err


def test_what_a_kernel_remarks_as_it_ends_is_not_shown(tmp_path, capfd):
    """ipykernel says "IOStream.flush timed out" if the machine is busy then."""
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys\natexit.register(print, 'bye', file=sys.stderr)"
    )

    with kernel({"PYTHONPATH": str(tmp_path)}):
        pass

    assert capfd.readouterr() == ("", "")
