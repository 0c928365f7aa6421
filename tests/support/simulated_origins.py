"""Origins in virtual time, and a downloader that keeps so many connections busy."""

import heapq
import random

from fetcher.transfer.flow.adaptive_limit import AdaptiveLimit


class Origin:
    """
    An origin that answers after a while, in the order asked.

    Args:
        latency_s: Of one request alone; on average, if they spread.

        per_s: The most it answers a second: then requests queue.

        spread: Of the logarithm of its latency.
    """

    def __init__(self, latency_s, per_s=float("inf"), spread=0.0):
        self.latency_s, self.per_s, self.spread = latency_s, per_s, spread
        self._random = random.Random(1)
        self._free_at = 0.0

    def ends_at(self, now, _in_flight):
        """Return when a request ends that begins now, and whether it is answered."""
        self._free_at = max(self._free_at, now) + 1 / self.per_s
        alone_s = self.latency_s
        if self.spread:
            alone_s *= self._random.lognormvariate(0, self.spread)
        return max(self._free_at, now + alone_s), True


class Crowded(Origin):
    """One that resets connections above a number."""

    def __init__(self, latency_s, most):
        super().__init__(latency_s, spread=0.2)
        self.most = most

    def ends_at(self, now, in_flight):
        if in_flight > self.most:
            return now + 0.01, False
        return super().ends_at(now, in_flight)


class Defective(Origin):
    """One that fails for a share of its URLs, however few are asked for."""

    def __init__(self, latency_s, share):
        super().__init__(latency_s, spread=0.2)
        self.share = share

    def ends_at(self, now, in_flight):
        end, _ = super().ends_at(now, in_flight)
        return end, self._random.random() >= self.share


class Downloads:
    """
    Downloads from an origin without end.

    Args:
        origin: What answers.

        most: Connections at most.
    """

    def __init__(self, origin, most):
        self.origin, self.limit = origin, AdaptiveLimit(most, 0.0)
        self._flying = []
        self._begun = 0
        self.now = 0.0

    def go_on(self, until):
        """Download until then; return how many were answered and failed a second."""
        since, answered, failed = self.now, 0, 0
        flying, limit, origin = self._flying, self.limit, self.origin
        while True:
            while len(flying) < limit.number:
                self._begun += 1
                end, is_good = origin.ends_at(self.now, len(flying) + 1)
                heapq.heappush(flying, (end, self._begun, self.now, is_good))
            limit.is_full = True
            if flying[0][0] > until:
                self.now = until
                return answered / (until - since), failed / (until - since)
            self.now, _, begun_at, is_good = heapq.heappop(flying)
            answered, failed = answered + is_good, failed + (not is_good)
            (limit.ended if is_good else limit.failed)(begun_at, self.now)
