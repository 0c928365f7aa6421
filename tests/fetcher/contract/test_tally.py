"""Counts and latencies that can be merged."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from fetcher.contract.download_results import Download, Downloads
from fetcher.contract.outcome import ORDER, Outcome
from fetcher.contract.tally import Histogram, Tally

SECONDS = st.floats(min_value=0, max_value=1e4)
DOWNLOADS = st.lists(
    st.tuples(st.sampled_from(Outcome), st.integers(0, 10**12), SECONDS), max_size=50
)


def tally_of(ends):
    downloads = Downloads(len(ends))
    for place, (outcome, body_bytes, seconds) in enumerate(ends):
        downloads[place] = Download(outcome, body_bytes=body_bytes, seconds=seconds)
    return downloads.tally()


@given(DOWNLOADS, DOWNLOADS)
def test_merging_two_tallies_is_counting_everything_in_one(some, others):
    merged = tally_of(some)
    merged.merge(tally_of(others))

    assert tally_of(some + others) == merged


@given(DOWNLOADS)
def test_a_tally_counts_urls_and_the_bytes_of_whole_bodies_and_survives_json(downloads):
    tally = tally_of(downloads)
    whole = [many for kind, many, _ in downloads if kind is Outcome.OK]

    assert tally.files == len(downloads)
    assert sum(tally.to_dict()["counts"].values()) == len(downloads)
    assert tally.ok == len(whole)
    assert tally.body_bytes == sum(whole)
    assert Tally.from_dict(json.loads(json.dumps(tally.to_dict()))) == tally


def test_every_outcome_is_named_even_if_nobody_met_it():
    assert Tally().to_dict()["counts"] == {str(one): 0 for one in ORDER}


@given(st.lists(st.floats(1e-5, 1e5), min_size=1), st.floats(0, 1))
def test_a_quantile_is_within_three_percent_of_the_exact_one(all_seconds, share):
    histogram = Histogram()
    for seconds in all_seconds:
        histogram.add(seconds)
    place = max(1, math.ceil(share * len(all_seconds)))
    exact = sorted(all_seconds)[place - 1]

    assert math.isclose(histogram.quantile(share), exact, rel_tol=0.03)


def test_of_nothing_there_is_no_quantile():
    assert math.isnan(Histogram().quantile(0.5))
