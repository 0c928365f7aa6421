import random

import pytest

from fetcher.backoff import full_jitter


@pytest.mark.parametrize(
    ("tries", "most_s"), [(1, 0.5), (2, 1.0), (4, 4.0), (6, 5.0), (10_000, 5.0)]
)
def test_a_wait_is_anything_up_to_a_bound_that_doubles(monkeypatch, tries, most_s):
    asked = []
    monkeypatch.setattr(random, "uniform", lambda *bounds: asked.append(bounds) or 0.3)

    assert full_jitter(tries, first_s=0.5, longest_s=5.0) == 0.3
    assert asked == [(0, most_s)]
