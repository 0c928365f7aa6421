"""How long silence is worth waiting for."""

from __future__ import annotations

import math

_MOST_S = 64  # longer silences count as this long
_LEAST_S = 3
_ENOUGH = 20  # silences seen, to learn anything from them
_MOST = 0.5  # of the silent
_WORTH_IT = 0.02  # of the silent: as many must still speak, or waiting is over


class AdaptiveTimeout:
    """
    A time-out for silence, learnt from what waiting has brought, in whole seconds.

    Used once only the silent are left, and hold up everything: where twenty have been
    silent for all the time they had, and of those silent for so long hardly any spoke
    later, nobody is waited for longer. Those that still wait show nothing: all of them
    may be about to speak.

    Args:
        whole_s: How long a download may be silent in any case.
    """

    def __init__(self, whole_s: float) -> None:
        self._whole_s = max(_LEAST_S, min(int(whole_s), _MOST_S))
        self._lasted = [0] * (_MOST_S + 1)
        self._spoke = [0] * (_MOST_S + 1)

    def lasted(self, seconds: int) -> None:
        """Count a download that has now been silent for so many seconds."""
        self._lasted[min(seconds, _MOST_S)] += 1

    def spoke(self, seconds: int) -> None:
        """Count one that spoke after so many."""
        self._spoke[min(seconds, _MOST_S)] += 1

    def short_s(self) -> int:
        """Return after how long most of the silent stay so; 3 s: not known yet."""
        for seconds in range(1, _LEAST_S):
            lasted = self._lasted[seconds]
            if lasted >= _ENOUGH and sum(self._spoke[seconds:]) <= _MOST * lasted:
                return seconds
        return _LEAST_S

    def seconds(self) -> float:
        """Return for how long silence is worth waiting; infinity: not known yet."""
        if self._lasted[self._whole_s] < _ENOUGH:
            return math.inf
        for seconds in range(_LEAST_S, self._whole_s):
            if sum(self._spoke[seconds:]) <= _WORTH_IT * self._lasted[seconds]:
                return float(seconds)
        return math.inf
