"""One URL being tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetcher.contract.source import Item
    from fetcher.transfer.body import Body
    from fetcher.transfer.ending import Ending
    from fetcher.transfer.host import Host


class Attempt:
    """
    One URL being tried, for the first time or again.

    Attributes:
        position: In the source, from 0.

        item: What to fetch.

        url: The item's, or what stands for it in this try: a secret, if it is signed.

        host: Where it is, with the name and port as they stand in the URL.

        body: What the response is handed to; a new one for each try.

        began_at: When it was first tried, on the monotonic clock.

        ends_at: When its time is up, however often it was tried.

        tries: How often it was tried.

        last: How the try before this one ended.

        is_answered: Whether this try's host has answered, be it with a redirect.
    """

    __slots__ = (
        "began_at",
        "body",
        "ends_at",
        "host",
        "is_answered",
        "item",
        "last",
        "position",
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
        self.began_at = 0.0
        self.ends_at = 0.0
        self.is_answered = False
        self.last: Ending | None = None
