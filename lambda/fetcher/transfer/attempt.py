"""One URL being tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetcher.contract.downloads import Download
    from fetcher.contract.source import Item
    from fetcher.transfer.body import Body
    from fetcher.transfer.host import Host


class Attempt:
    """
    One URL being tried, for the first time or again.

    Attributes:
        position: Place in the source, from 0.

        item: What to fetch.

        url: The item's, or a signed one that stands for it in this try: a secret.

        host: The URL's host and port.

        body: Receives the response; a new one for each try.

        started_at: Time of the first try, on the monotonic clock.

        ends_at: When its time is up, however often it was tried.

        tries: Tries so far.

        failure: How the previous try ended.

        is_answered: Whether the host has answered this try, if only with a redirect.
    """

    __slots__ = (
        "body",
        "ends_at",
        "failure",
        "host",
        "is_answered",
        "item",
        "position",
        "started_at",
        "tries",
        "url",
    )
    body: Body

    def __init__(self, position: int, item: Item, host: Host) -> None:
        self.position = position
        self.item = item
        self.url = item.url
        self.host = host
        self.tries = 0
        self.started_at = 0.0
        self.ends_at = 0.0
        self.is_answered = False
        self.failure: Download | None = None
