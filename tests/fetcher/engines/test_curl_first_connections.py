"""Hosts that libcurl has addresses of, and when it drops them."""

from types import SimpleNamespace
from unittest.mock import Mock, call

import pycurl
import pytest

from fetcher.engines.curl_connect import Peer
from fetcher.engines.curl_first_connections import FirstConnections
from fetcher.security.guard import host_of


def transfer(host):
    peer = SimpleNamespace(host=host, is_https=False)
    return SimpleNamespace(peer=peer, handle=Mock(), is_attached=True)


@pytest.mark.parametrize("now", [239.0, 240.0])
def test_after_four_minutes_hosts_are_unknown_and_one_transfer_drops_addresses(now):
    """libcurl looks at all of them each time, so all transfers must not."""
    connections = FirstConnections(0.0)
    before, first, second = map(transfer, "abc")
    connections.connect(before)
    connections.connected(before)
    connections.forget_if_due(now)
    connections.connect(first)
    connections.connect(second)
    for one in (before, second, first, first):
        connections.released(one)

    is_due = now == 240.0
    option = pycurl.DNS_CACHE_TIMEOUT
    drops = [call.setopt(option, 200), call.setopt(option, -1)] if is_due else []
    assert connections.is_known("a") is not is_due
    assert not connections.is_known("b")
    assert [one.handle.mock_calls for one in (before, first, second)] == [[], drops, []]


def test_a_host_is_known_once_a_transfer_has_come_through_since_the_latest_forgetting():
    """Another that is attached meanwhile may be started first: it needs addresses."""
    connections = FirstConnections(0.0)
    old, first, second = (transfer("a") for _ in range(3))
    connections.connect(old)
    connections.forget_if_due(240.0)
    connections.connect(first)
    connections.connect(second)
    connections.connected(old)
    before = connections.is_known("a")
    connections.connected(first)

    assert (before, connections.is_known("a")) == (False, True)


def test_a_name_known_over_http_is_not_known_over_https():
    """
    libcurl keeps addresses by port: after a redirect it would look the name up itself.
    """
    connections, known = FirstConnections(0.0), []
    one = transfer("")
    one.peer = Peer(pycurl.Curl(), allow_private=True)
    for url in ("http://h/", "https://h/", "https://h:443/"):
        one.peer.aim(url, host_of(url))
        known.append(connections.is_known(one.peer.host))
        connections.connect(one)
        connections.connected(one)

    assert known == [False, False, True]


def test_hosts_are_forgotten_when_they_are_many():
    connections = FirstConnections(0.0)
    for number in range(10_001):
        one = transfer(str(number))
        connections.connect(one)
        connections.connected(one)
    assert connections.is_known("7")
    connections.forget_if_due(1.0)

    assert not connections.is_known("7")


def test_a_second_forgetting_waits_for_the_first_one_s_transfer():
    connections = FirstConnections(0.0)
    first, second, third = map(transfer, "abc")
    connections.forget_if_due(240.0)
    connections.connect(first)
    connections.forget_if_due(480.0)
    connections.connect(second)
    connections.released(first)
    connections.connect(third)

    assert [len(one.handle.mock_calls) for one in (first, second, third)] == [2, 0, 1]
