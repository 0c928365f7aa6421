"""A proxy in front of AWS in which one call of many meets a fault."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from dataclasses import dataclass

from tests.support.http_proxy import HttpProxy, scope_of
from tests.support.permissions_needed import permissions_for

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
# What each service says when it throttles; IAM and STS do so with a 400.
_THROTTLED = {
    "lambda": (429, "TooManyRequestsException"),
    "logs": (400, "ThrottlingException"),
    "iam": (400, "Throttling"),
    "sts": (400, "Throttling"),
    "s3": (503, "SlowDown"),
}
_FAILED = {
    "lambda": (500, "ServiceException"),
    "logs": (500, "InternalFailure"),
    "iam": (500, "ServiceFailure"),
    "sts": (500, "InternalFailure"),
    "s3": (500, "InternalError"),
}
THROTTLE, FAIL = "throttled", "failed"
RESET, LOSE = "reset before it is passed on", "answer lost"
STALL = "stalled"
FAULTS = (THROTTLE, FAIL, RESET, LOSE, STALL)


@dataclass
class Fault:
    """
    What happens to one call.

    Attributes:
        kind: One of `FAULTS`.

        at: Which call it happens to: its place, or the name of its operation.

        stall_s: How long a stalled call waits before it is passed on.

        met: The operation it happened to; empty: none so far.
    """

    kind: str
    at: int | str
    stall_s: float = 0.0
    met: str = ""


class FaultProxy(HttpProxy):
    """
    Passes calls on, but for one.

    Attributes:
        calls: The operations called since `start`, as in ``lambda:CreateFunction``.
    """

    def __init__(self, behind):
        super().__init__(behind)
        self._counting = threading.Lock()
        self.meeting = None
        self.start()

    def start(self, fault=None):
        """Count from 0 again, with another fault, or none."""
        self.calls = []
        self.fault = fault

    def handle(self, request, body):
        region, service = scope_of(request)
        needs = [
            need.action for need in permissions_for(request, body, region, service)
        ]
        operation = needs[0] if needs else service
        with self._counting:
            place, fault = len(self.calls), self.fault
            self.calls.append(operation)
            is_hit = fault and not fault.met and fault.at in (place, operation)
            if is_hit:
                fault.met = operation
        if self.meeting:
            self.meeting(operation)
        if not is_hit:
            self.pass_on(request, body)
        elif fault.kind in (THROTTLE, FAIL):
            codes = _THROTTLED if fault.kind == THROTTLE else _FAILED
            self.refuse(request, service, *codes[service], "Rate exceeded")
        elif fault.kind == STALL:
            time.sleep(fault.stall_s)
            self.pass_on(request, body)
        else:
            if fault.kind == LOSE:
                self.pass_on(request, body, answers=False)
            _reset(request)


def _reset(request):
    """Close a connection so that its other end sees a reset."""
    request.close_connection = True
    options = socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
    request.connection.setsockopt(*options)
    os.close(request.connection.detach())
