"""Every constant of the model can be traced, and a guess shows as a band."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from aws_facts.fleet_constants import GUESS, KINDS, OURS, constants, read
from experiment.fleet.constant_draws import draw
from experiment.fleet.forecast import forecast
from experiment.fleet.question import INTERNET, S3_TAR, Question
from experiment.parameters.project_root import root

GUESSES = sorted(name for name, one in constants().items() if one.kind == GUESS)


def test_every_constant_says_where_and_when_it_was_seen():
    for name, one in constants().items():
        assert one.kind in KINDS, name
        assert isinstance(one.seen, dt.date), name
        if one.kind == OURS:
            kept = (root() / one.source.split()[0]).is_file()
            assert kept or one.source.endswith("no record was kept"), name
        elif one.kind != GUESS:
            assert one.source.startswith("https://"), name


@pytest.mark.parametrize(
    ("change", "why"),
    [
        *[({name: None}, f"x has no {name}") for name in ("source", "seen", "kind")],
        ({"value": None}, "x has no value"),
        ({"source": " "}, "has no source"),
        ({"kind": "folklore"}, "must be one of"),
        ({"value": 9.0}, "not in 1..3"),
        ({"low": 2.0, "high": 2.0}, "a guess without a range"),
        ({"sizes_bytes": [1], "value": [1, 2], "low": 1, "high": 1}, "range|other"),
    ],
)
def test_what_nobody_could_trace_is_refused(change, why):
    entry = {
        "kind": GUESS,
        "value": 2.0,
        "low": 1.0,
        "high": 3.0,
        "source": "nowhere",
        "seen": dt.date(2026, 11, 28),
    }

    changed = {name: one for name, one in (entry | change).items() if one is not None}
    with pytest.raises(ValueError, match=why):
        read("x", changed)


def test_draws_stay_in_their_ranges_and_are_likeliest_in_between():
    drawn = draw(np.random.default_rng(1), 2_000)

    for name, one in constants().items():
        assert drawn[name].min() >= one.low, name
        assert drawn[name].max() <= one.high, name
        assert drawn[name].mean() == pytest.approx(
            (one.low + one.value + one.high) / 3, rel=0.05
        )
    fixed = draw(np.random.default_rng(1), 2_000, {"call_s": 9.0})
    changed = {name for name in drawn if not np.array_equal(fixed[name], drawn[name])}
    assert changed == {"call_s"}


@pytest.mark.parametrize("name", GUESSES)
def test_moving_a_guess_across_its_range_moves_the_band(name):
    """
    Every guess matters to some fleet; one that moves nothing would be decoration.
    """
    known = {
        "upload_cpu_share": {"architecture": "x86_64"},
        "calls_per_s": {"concurrency": 900},
        "stream_buffer_bytes": {"connections": 1, "sizes_bytes": (2e6,)},
    }
    question = Question(
        files=2_000,
        memory_mb=512,
        sink=S3_TAR,
        source=INTERNET,
        **{"concurrency": 20, "connections": 5, "sizes_bytes": (100_000.0,)}
        | known.get(name, {}),
    )
    one = constants()[name]
    low, high = (
        np.array(forecast(question, 200, fixed={name: value}).time)
        for value in (one.low, one.high)
    )

    assert np.abs(high / low - 1).max() > 0.01


def test_the_table_of_cpu_is_the_published_one():
    """
    A new bench must reach the model.
    """
    bench = pd.read_csv(root() / constants()["cpu_s_curl_https"].source.split()[0])
    ours = bench[bench["program"].str.startswith("fetcher")]
    engines = ours["program"].str.extract(r"\((\w+)\)")[0]

    assert set(engines) == {"curl", "aiohttp"}
    for (engine, scheme), rows in ours.groupby([engines, "scheme"]):
        one = constants()[f"cpu_s_{engine}_{scheme}"]
        assert list(rows["file_bytes"]) == list(one.sizes_bytes)
        found = [seconds * 1e6 for seconds in one.values]
        assert list(rows["cpu_us_per_file"]) == pytest.approx(found, rel=0.001)
