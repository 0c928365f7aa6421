"""The early end of a shard: URLs that are silent go back to whoever sent them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetcher.transfer.flow.download_slots import UnderWay

# More is no tail of a list, but an outage of the network or the origin, and would only
# be the next one's to wait for.
_MOST_SHARE = 0.25


class EarlyEnd:
    """
    Decision to end while URLs are silent, since waiting is billed like work.

    On a list of real URLs one in twenty is silent, each for 10 s or more where the
    good ones take half a second. Tried again together, they wait side by side.

    Args:
        urls: How many there are in all; 0: nothing goes back.

        end: Ends the downloads.
    """

    def __init__(self, urls: int = 0, end: Callable[[], object] = bool) -> None:
        self._most = math.ceil(urls * _MOST_SHARE)
        self.end = end

    def takes(self, left: UnderWay) -> bool:
        """Tell whether so little is left that it may go back."""
        return 0 < sum(left) <= self._most
