"""The first connection to each host, and the hosts that need no look-up after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.engines.curl_handle import drop_old_addresses

if TYPE_CHECKING:
    from fetcher.engines.curl_transfer import Transfer

_KNOWN_S = 240.0  # then libcurl is given their addresses anew
_MOST_KNOWN = 10_000  # likewise; it takes 300 bytes for each


class FirstConnections:
    """
    First connections to hosts, and the hosts whose addresses libcurl has by now.

    The first transfer to an HTTPS host connects alone: with HTTP/2 all share its
    connection. libcurl's own PIPEWAIT is of no use: without HTTP/2 it would wait for
    the end of the first download.

    Args:
        now: The monotonic clock.
    """

    def __init__(self, now: float) -> None:
        self._known: set[str] = set()
        self._leaders: dict[str, Transfer] = {}  # making first connections
        self._forget_at = now + _KNOWN_S
        self._is_drop_due = False  # of old addresses
        self._dropper: Transfer | None = None

    def is_known(self, host: str) -> bool:
        """Tell whether libcurl has a host's addresses."""
        return host in self._known

    def may_connect(self, transfer: Transfer) -> bool:
        """Tell whether it need not wait for another's first connection to its host."""
        host = transfer.peer.host
        leader = self._leader_at(host)
        if leader is None or not transfer.peer.is_https:
            return True
        if leader.is_connected:
            self._known.add(host)
            return True
        return False

    def _leader_at(self, host: str) -> Transfer | None:
        """Return the transfer that is making the first connection, unless it failed."""
        leader = self._leaders.get(host)
        if leader is None or leader.peer.host != host or not leader.is_attached:
            return None
        return leader

    def connect(self, transfer: Transfer) -> None:
        """Note that a transfer, which has its host's addresses, is about to connect."""
        if self._is_drop_due and self._dropper is None:  # its own addresses are new
            self._is_drop_due, self._dropper = False, transfer
            drop_old_addresses(transfer.handle, is_on=True)
        host = transfer.peer.host
        if host not in self._known and self._leader_at(host) is None:
            self._leaders[host] = transfer

    def connected(self, transfer: Transfer) -> None:
        """
        Note that a transfer has ended well.

        Not sooner: libcurl may start one that was added later first, without addresses.
        """
        host = transfer.peer.host
        if self._leaders.get(host) is transfer:
            self._known.add(host)

    def released(self, transfer: Transfer) -> None:
        """Note that libcurl is no longer at work on a transfer."""
        if transfer is self._dropper:
            self._dropper = None
            drop_old_addresses(transfer.handle, is_on=False)

    def forget_if_due(self, now: float) -> None:
        """Give libcurl all addresses anew, from time to time or when there are many."""
        count = len(self._known) + len(self._leaders)
        if now < self._forget_at and count <= _MOST_KNOWN:
            return
        self._forget_at = now + _KNOWN_S
        self._known.clear()
        self._leaders.clear()
        self._is_drop_due = True
