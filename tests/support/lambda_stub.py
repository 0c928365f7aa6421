"""
Lambda's Invoke as a process of its own that runs nothing and is never the slow one.

It answers each call with its own payload. ``GET /`` returns what came: calls accepted
and refused, the most at once, and payloads that were accepted twice. Every test of a
rate needs a server that costs less than the client; aiohttp's costs more.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.support.stub_process import Caller, running, serve

RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
CALLER_RATE = "CallerRateLimitExceeded"
HEADERS = (
    b"Content-Type: application/json\r\n"
    b"x-amzn-RequestId: 00000000-0000-4000-8000-000000000000\r\n"
    b"X-Amz-Executed-Version: $LATEST\r\n"
)
REFUSED = b"x-amzn-ErrorType: TooManyRequestsException\r\n"


def lambda_stub(**options):
    """
    Run the stub; its address has no path.

    Args:
        options: `takes_s`, each call's time; `concurrency`, calls at once, and `rate`,
            calls a second, beyond which calls are refused.
    """
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return running(__name__, *given)


@dataclass
class Allowance:
    """A token bucket that holds the tokens of a tenth of a second."""

    tokens: float = 1.0
    at: float = field(default_factory=time.monotonic)

    def take(self, rate):
        now = time.monotonic()
        self.tokens = min(rate / 10, self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Seen:
    accepted: int = 0
    refused: int = 0
    in_flight: int = 0
    most: int = 0
    payloads: Counter = field(default_factory=Counter)
    allowance: Allowance = field(default_factory=Allowance)


class Lambda(Caller):
    def __init__(self, options, seen):
        self.options = options
        self.seen = seen

    def seen_so_far(self):
        return {
            "accepted": self.seen.accepted,
            "refused": self.seen.refused,
            "most": self.seen.most,
            "twice": sum(count > 1 for count in self.seen.payloads.values()),
        }

    def invoke(self, payload):
        reason = self.reason_to_refuse()
        if reason:
            self.seen.refused += 1
            error = {"Reason": reason, "Type": "User", "message": "Rate Exceeded."}
            self.answer(json.dumps(error).encode(), 429, HEADERS + REFUSED)
            return
        self.seen.accepted += 1
        self.seen.in_flight += 1
        self.seen.most = max(self.seen.most, self.seen.in_flight)
        self.seen.payloads[payload] += 1
        if self.options.takes_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self.options.takes_s, self.end, payload)
        else:
            self.end(payload)

    def reason_to_refuse(self):
        if self.options.concurrency and self.seen.in_flight >= self.options.concurrency:
            return RESERVED
        if self.options.rate and not self.seen.allowance.take(self.options.rate):
            return CALLER_RATE
        return None

    def end(self, payload):
        self.seen.in_flight -= 1
        self.answer(payload, headers=HEADERS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--takes-s", type=float, default=0.0)
    parser.add_argument("--concurrency", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    options, seen = parser.parse_args(), Seen()
    asyncio.run(serve(lambda: Lambda(options, seen)))
