"""What a fan-out asked for, and what became of its URLs."""

from tests.support.recorded_invocations import table_of

from fetcher.contract.source import numbers_in


def requested(invocations, **fields):
    """Return the numbers of URLs that invocations with such fields were for."""
    return [
        number
        for done in invocations
        if fields.items() <= done._asdict().items()
        for number in numbers_in(done.ranges)
    ]


def outcomes(plan, invocations):
    """Count the URLs by outcome, after checking that each has exactly one."""
    table = table_of(invocations, plan.urls)
    assert table["number"].tolist() == list(range(plan.files))
    counts = table["outcome"].value_counts()
    return {name: many for name, many in counts.items() if many}
