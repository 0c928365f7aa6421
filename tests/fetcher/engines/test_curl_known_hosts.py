"""Hosts that libcurl has addresses of, and when it drops them."""

from types import SimpleNamespace
from unittest.mock import Mock, call

import pycurl
import pytest

from fetcher.engines.curl_known_hosts import KnownHosts


def transfer(host):
    peer = SimpleNamespace(host=host, is_https=False)
    return SimpleNamespace(peer=peer, handle=Mock(), is_attached=True)


@pytest.mark.parametrize("now", [239.0, 240.0])
def test_after_four_minutes_hosts_are_unknown_and_one_transfer_drops_addresses(now):
    """libcurl looks at all of them each time, so all transfers must not."""
    hosts = KnownHosts(0.0)
    before, first, second = map(transfer, "abc")
    hosts.connect(before)
    hosts.connected(before)
    hosts.forget_if_due(now)
    hosts.connect(first)
    hosts.connect(second)
    for one in (before, second, first, first):
        hosts.released(one)

    is_due = now == 240.0
    option = pycurl.DNS_CACHE_TIMEOUT
    drops = [call.setopt(option, 200), call.setopt(option, -1)] if is_due else []
    assert ("a" in hosts) is not is_due
    assert "b" not in hosts
    assert [one.handle.mock_calls for one in (before, first, second)] == [[], drops, []]


def test_a_host_is_known_once_a_transfer_has_come_through_since_the_latest_forgetting():
    """Another that is attached meanwhile may be started first: it needs addresses."""
    hosts = KnownHosts(0.0)
    old, first, second = (transfer("a") for _ in range(3))
    hosts.connect(old)
    hosts.forget_if_due(240.0)
    hosts.connect(first)
    hosts.connect(second)
    hosts.connected(old)
    before = "a" in hosts
    hosts.connected(first)

    assert (before, "a" in hosts) == (False, True)


def test_hosts_are_forgotten_when_they_are_many():
    hosts = KnownHosts(0.0)
    for number in range(10_001):
        one = transfer(str(number))
        hosts.connect(one)
        hosts.connected(one)
    assert "7" in hosts
    hosts.forget_if_due(1.0)

    assert "7" not in hosts


def test_a_second_forgetting_waits_for_the_first_one_s_transfer():
    hosts = KnownHosts(0.0)
    first, second, third = map(transfer, "abc")
    hosts.forget_if_due(240.0)
    hosts.connect(first)
    hosts.forget_if_due(480.0)
    hosts.connect(second)
    hosts.released(first)
    hosts.connect(third)

    assert [len(one.handle.mock_calls) for one in (first, second, third)] == [2, 0, 1]
