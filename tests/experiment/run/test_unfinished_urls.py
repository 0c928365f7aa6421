"""Which URLs are unfinished: the same answer for all at once as for each."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.recorded_invocations import done, invocation, urls

from experiment.ledger.download_array import rows_of
from experiment.run.unfinished_urls import not_final
from fetcher.contract.outcome import Outcome, can_heal

ENDS = st.builds(
    done,
    outcome=st.sampled_from(Outcome),
    status=st.sampled_from([0, 200, 404, 408, 425, 429, 500, 599, 600, 65_535]),
)


@given(st.lists(ENDS, min_size=1, max_size=30))
def test_what_is_unfinished_or_may_heal_is_not_final(ends):
    one = invocation(urls((5, len(ends))), ends)

    assert not_final(one).tolist() == [
        number
        for number, end in enumerate(ends, start=5)
        if end.outcome is Outcome.UNSTARTED or can_heal(end.outcome, end.status)
    ]


def test_of_a_lost_execution_nothing_is_final():
    lost = invocation(urls((2, 3), (9, 1)), error="it died")

    assert not_final(lost).tolist() == [2, 3, 4, 9]


@given(st.lists(ENDS, max_size=30))
def test_rows_hold_what_the_downloads_hold(ends):
    one = invocation(urls((0, len(ends))), ends)
    rows = rows_of(one.report.downloads)

    assert rows["status"].tolist() == [end.status for end in ends]
    assert rows["body_bytes"].tolist() == [end.body_bytes for end in ends]
    assert rows["ticks"].tolist() == [1_000] * len(ends)
