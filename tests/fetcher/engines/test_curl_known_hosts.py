"""Hosts that libcurl has addresses of, and when it drops them."""

from types import SimpleNamespace
from unittest.mock import Mock, call

import pycurl
import pytest

from fetcher.engines.curl_known_hosts import KnownHosts


def transfer(host):
    peer = SimpleNamespace(host=host, is_https=False)
    return SimpleNamespace(peer=peer, handle=Mock())


@pytest.mark.parametrize("now", [239.0, 240.0])
def test_after_four_minutes_hosts_are_unknown_and_one_transfer_drops_addresses(now):
    """libcurl looks at all of them each time, so all transfers must not."""
    hosts = KnownHosts(0.0)
    before, first, second = map(transfer, "abc")
    hosts.connect(before)
    hosts.forget_if_due(now)
    hosts.connect(first)
    hosts.connect(second)
    for one in (before, second, first, first):
        hosts.released(one)

    is_due = now == 240.0
    option = pycurl.DNS_CACHE_TIMEOUT
    drops = [call.setopt(option, 200), call.setopt(option, -1)] if is_due else []
    assert ("a" in hosts) is not is_due
    assert "b" in hosts
    assert [one.handle.mock_calls for one in (before, first, second)] == [[], drops, []]


def test_hosts_are_forgotten_when_they_are_many():
    hosts = KnownHosts(0.0)
    for number in range(10_001):
        hosts.connect(transfer(str(number)))
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
