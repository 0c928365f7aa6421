"""What became of the URLs of a fan-out."""

from tests.support.recorded_invocations import table_of


def outcomes(plan, invocations):
    """Count the URLs by outcome, after checking that each has exactly one."""
    table = table_of(invocations, plan.urls)
    assert table["number"].tolist() == list(range(plan.files))
    counts = table["outcome"].value_counts()
    return {name: many for name, many in counts.items() if many}
