"""How long silence is worth waiting for."""

from __future__ import annotations

import math

_MOST_S = 64  # longer silences count as this long
_LEAST_PATIENCE_S = 3
_ENOUGH = 20  # silences seen, to learn anything from them
_WORTH_IT = 0.02  # of the silent: as many must still speak, or waiting is over


class Patience:
    """
    What waiting for the silent has brought so far, in whole seconds.

    Used once only the silent are left, and hold up everything: where twenty have been
    silent for twice as long, and of those silent for so long hardly any spoke later,
    nobody is waited for longer.
    """

    def __init__(self) -> None:
        self._lasted = [0] * (_MOST_S + 1)
        self._spoke = [0] * (_MOST_S + 1)

    def lasted(self, seconds: int) -> None:
        """Count a download that has now been silent for so many seconds."""
        self._lasted[min(seconds, _MOST_S)] += 1

    def spoke(self, seconds: int) -> None:
        """Count one that spoke after so many."""
        self._spoke[min(seconds, _MOST_S)] += 1

    def seconds(self) -> float:
        """Return for how long silence is worth waiting; infinity: not known yet."""
        for seconds in range(_LEAST_PATIENCE_S, _MOST_S // 2 + 1):
            if self._lasted[2 * seconds] < _ENOUGH:
                break
            if sum(self._spoke[seconds:]) <= _WORTH_IT * self._lasted[seconds]:
                return float(seconds)
        return math.inf
