"""
The ways a download can end: each URL ends in exactly one.

* ok                    whole, checked, kept
* the list itself settled it
  x bad_url             not a URL we can fetch
  x duplicate           an earlier row has its URL or its name
* the server said no
  x http_status         any status but 200; the status is kept
  x too_many_redirects
* the server could not be reached
  x blocked             the guard forbids the scheme or the address
  x dns                 no such name, or no answer
  x connect             refused or unreachable
  x connect_timeout
  x tls                 certificate or handshake
* the body did not arrive whole
  x protocol            not HTTP, or malformed
  x read_timeout        connected, then silence
  x total_timeout       still coming when its time was up
  x cut                 ended early
* the body is not what was asked for
  x too_large
  x wrong_type
  x checksum
* our side
  x sink                disk full, write refused
  x unstarted           the deadline came first, or no socket could be opened
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus


class Outcome(StrEnum):
    """
    How one URL ended.

    The order is part of the report's format: new members go to the end.
    """

    OK = "ok"
    HTTP_STATUS = "http_status"
    DNS = "dns"
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    READ_TIMEOUT = "read_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    CUT = "cut"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    CHECKSUM = "checksum"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    PROTOCOL = "protocol"
    BLOCKED = "blocked"
    BAD_URL = "bad_url"
    SINK = "sink"
    UNSTARTED = "unstarted"
    DUPLICATE = "duplicate"


GONE = 2  # silences of a host; a refused connection, or no such name, is as good
ORDER: tuple[Outcome, ...] = tuple(Outcome)
CODE: dict[Outcome, int] = {outcome: code for code, outcome in enumerate(ORDER)}

_HEALING_OUTCOMES = {
    *(Outcome.DNS, Outcome.CONNECT, Outcome.CONNECT_TIMEOUT),
    *(Outcome.READ_TIMEOUT, Outcome.CUT, Outcome.UNSTARTED),
}
_HEALING_STATUSES = {
    *(HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
}
_SERVER_ERRORS = range(500, 600)


def can_heal(outcome: Outcome, status: int = 0) -> bool:
    """
    Tell whether trying again may end better.

    >>> can_heal(Outcome.CUT), can_heal(Outcome.HTTP_STATUS, 503)
    (True, True)
    >>> can_heal(Outcome.HTTP_STATUS, 404), can_heal(Outcome.CHECKSUM)
    (False, False)
    """
    if outcome is Outcome.HTTP_STATUS:
        return status in _HEALING_STATUSES or status in _SERVER_ERRORS
    return outcome in _HEALING_OUTCOMES
