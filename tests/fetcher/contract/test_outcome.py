"""The closed list of outcomes, and which of them may heal."""

import re

import pytest

from fetcher.contract import outcome
from fetcher.contract.outcome import CODE, ORDER, Outcome, can_heal

# Codes travel in reports: new outcomes go to the end, none ever moves.
ORDER_OF_SCHEMA_1 = """
ok http_status dns connect connect_timeout tls read_timeout total_timeout cut too_large
wrong_type checksum too_many_redirects protocol blocked bad_url sink unstarted
duplicate
"""


def test_codes_stay_what_earlier_reports_say():
    assert ORDER_OF_SCHEMA_1.split() == [str(one) for one in ORDER]
    assert [CODE[one] for one in ORDER] == list(range(len(ORDER)))


def test_the_tree_in_the_docstring_names_every_outcome_once():
    words = re.findall(r"^ *[*x] ([a-z_]+)\b(?: {2,}|$)", outcome.__doc__, re.MULTILINE)

    assert sorted(words) == sorted(Outcome)


@pytest.mark.parametrize(
    ("statuses", "heal"),
    [
        ((408, 425, 429, 500, 502, 503, 504, 599), True),
        ((0, 204, 206, 304, 400, 401, 403, 404, 410, 451), False),
    ],
    ids=["those that pass", "those that stay"],
)
def test_only_statuses_that_pass_are_worth_another_try(statuses, heal):
    for status in statuses:
        assert can_heal(Outcome.HTTP_STATUS, status) is heal, status


def test_only_trouble_on_the_way_is_worth_another_try():
    """
    A body of the wrong type, or a full disk, is the same the second time.
    """
    healing = {one for one in Outcome if can_heal(one)}

    assert healing == {
        *("dns", "connect", "connect_timeout", "read_timeout", "cut", "unstarted")
    }
