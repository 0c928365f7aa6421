"""One URL being tried."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetcher.contract.download_results import Download
    from fetcher.contract.source import Item
    from fetcher.transfer.body import Body
    from fetcher.transfer.flow.host import Host
    from fetcher.transfer.flow.stall import StallWatch


class Stage(IntEnum):
    """How far a request has come; a redirect begins another."""

    QUEUED = 0  # for a thread that looks its host up
    LOOKING_UP = 1
    CONNECTING = 2  # TLS included
    ASKED = 3  # the connection stands


# Bound once: Python 3.11 finds members of an enum slowly.
_QUEUED = Stage.QUEUED
_NOTHING: tuple[Stage, int] = (_QUEUED, 0)


class Attempt:
    """
    One URL being tried, for the first time or again.

    Attributes:
        position: Place in the source, from 0.

        item: What to fetch.

        url: The item's, or a signed one that stands for it in this try: a secret.

        host: The URL's host and port; redirects may lead to others.

        body: Receives the response; a new one for each try.

        started_at: Time of the first try, on the monotonic clock.

        begun_at: Time of this try.

        left_s: What is left of its time, however often it is tried.

        ends_at: When that is up, if no body comes.

        tries: Tries so far.

        spared: Those of them that the host refused because it was asked too much.

        is_last: Whether this try is the last, as its host is dead.

        failure: How the previous try ended.

        is_answered: Whether the host has answered this try, if only with a redirect.

        stage: How far this try's latest request has come; the engine's to say.

        received: Bytes of this try so far, heads included; likewise.

        at_peak: Whether more were in flight than ever before when this try began.

        heard_at: When it last came further.

        heard: Its stage and bytes at that time.

        is_silent: Whether it has given its slot back.

        silent_s: For how many whole seconds nothing has come.

        stall: Watches the latest request, once its connection stands.
    """

    __slots__ = (
        "at_peak",
        "begun_at",
        "body",
        "ends_at",
        "failure",
        "heard",
        "heard_at",
        "host",
        "is_answered",
        "is_last",
        "is_silent",
        "item",
        "left_s",
        "position",
        "received",
        "silent_s",
        "spared",
        "stage",
        "stall",
        "started_at",
        "tries",
        "url",
    )
    at_peak: bool
    begun_at: float
    body: Body
    ends_at: float
    heard_at: float
    is_last: bool
    left_s: float

    def __init__(self, position: int, item: Item, host: Host) -> None:
        self.position = position
        self.item = item
        self.url = item.url
        self.host = host
        self.tries = self.spared = 0
        self.started_at = 0.0
        self.is_answered = self.is_silent = False
        self.silent_s = 0
        self.failure: Download | None = None
        self.stall: StallWatch | None = None
        self.stage = _QUEUED
        self.received = 0
        self.heard = _NOTHING

    def is_worth_waiting_for(self, now: float) -> bool:
        """
        Tell whether a file has paused for less time than its try took until then.

        Fetching it again costs that time, so waiting as long at most doubles it.
        """
        return self.received > 0 and now - self.heard_at < self.heard_at - self.begun_at
