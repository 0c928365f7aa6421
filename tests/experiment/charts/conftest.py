"""Charts drawn in tests."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def _every_figure_is_closed():
    """
    A figure left open is shown twice in a notebook, and kept in memory.
    """
    yield
    assert plt.get_fignums() == []
