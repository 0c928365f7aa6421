"""Hosts that are gone, known from one shard to the next."""

import json
from dataclasses import replace

from tests.support.recorded_invocations import report, urls

from experiment.run.gone_host_sharing import GoneHosts
from fetcher.contract.inline_source import Inline
from fetcher.contract.outcome import GONE
from fetcher.contract.shard_messages import MOST_HOSTS_BYTES, Shard
from fetcher.contract.source import Item


def shard_of(*hosts):
    items = [Item(n, f"http://{host}/{n}") for n, host in enumerate(hosts)]
    return Shard(run="r", index=0, source=Inline.of(items))


def report_with(heard=(), **silences):
    return replace(report(urls((0, 1)), [None]), silences=silences, heard=heard)


def test_a_shard_is_told_of_the_hosts_of_its_own_that_are_gone():
    gone = GoneHosts()
    gone.learn(report_with(a=GONE, b=1, c=GONE, d=1))
    gone.learn(report_with(b=1))

    assert gone.told_to(shard_of("a", "b", "d", "e")).gone == ("a", "b")
    numbered = Shard(run="r", index=0, source=urls((0, 9)))
    assert gone.told_to(numbered).gone == ("a", "b", "c")


def test_a_host_that_answers_again_is_forgotten_and_one_nobody_asked_is_not():
    gone = GoneHosts()
    gone.learn(report_with(a=GONE, b=GONE, c=GONE))
    gone.learn(report_with(heard=("a",), b=GONE))

    assert gone.told_to(shard_of("a", "b", "c")).gone == ("b", "c")


def test_no_more_hosts_are_named_than_a_request_has_room_for():
    gone, hosts = GoneHosts(), [f"{n:04}.{'long.' * 40}test" for n in range(1_000)]
    gone.learn(report_with(**dict.fromkeys(hosts, GONE)))
    told = gone.told_to(shard_of(*hosts))

    assert 250 < len(told.gone) < 1_000
    assert sum(map(len, told.gone)) < MOST_HOSTS_BYTES
    assert Shard.from_dict(json.loads(told.to_json())) == told
