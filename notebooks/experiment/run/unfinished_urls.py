"""Numbers of the URLs that an invocation left unfinished, and of those it tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiment.ledger.download_array import UNSTARTED, rows_of
from experiment.ledger.number_set import numbers_of
from fetcher.contract.outcome import CODE, ORDER, Outcome, can_heal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiment.ledger.invocation import Invocation

_LAST_STATUS = 600  # retrying helps with none from here on
_OUTCOME_HEALS = np.array([can_heal(outcome) for outcome in ORDER])
_STATUS_HEALS = np.array(
    [can_heal(Outcome.HTTP_STATUS, status) for status in range(_LAST_STATUS + 1)]
)


def not_final(done: Invocation) -> NDArray[np.int64]:
    """Return the numbers of URLs that have no outcome, or may get a better one."""
    numbers = numbers_of(done.ranges)
    if done.report is None:
        return numbers
    if done.report.tally.ok == len(numbers):
        return numbers[:0]
    rows = rows_of(done.report.downloads)
    codes, statuses = rows["outcome"], np.minimum(rows["status"], _LAST_STATUS)
    refused = (codes == CODE[Outcome.HTTP_STATUS]) & _STATUS_HEALS[statuses]
    is_open: NDArray[np.bool_] = (codes == UNSTARTED) | _OUTCOME_HEALS[codes] | refused
    return numbers[is_open]


def tried_in(done: Invocation) -> NDArray[np.int64]:
    """Return the numbers of URLs that were tried: an unstarted one has a detail."""
    numbers = numbers_of(done.ranges)
    if done.report is None:
        return numbers[:0]
    downloads = done.report.downloads
    is_tried: NDArray[np.bool_] = rows_of(downloads)["outcome"] != UNSTARTED
    is_tried[list(downloads.details)] = True
    return numbers[is_tried]
