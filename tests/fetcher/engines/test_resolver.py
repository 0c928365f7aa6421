"""Names looked up once, without waiting."""

import asyncio
import socket
import threading
import time

import pytest
from tests.support.name_service import Names
from tests.support.waiting import WAIT_S, eventually

from fetcher.engines import aiohttp_names, resolver
from fetcher.engines.resolver import Resolver
from fetcher.transfer.attempt import Stage


@pytest.fixture
def names(monkeypatch):
    """
    Stand in for the name servers.
    """
    known = ["h", "later", *(f"h{n}" for n in range(50))]
    names = Names({name: [["192.0.2.1"]] for name in known})
    monkeypatch.setattr(socket, "getaddrinfo", names)
    return names


@pytest.fixture
def one(names):
    """
    A resolver whose threads have ended before the next test has other answers.
    """
    before = set(threading.enumerate())
    one = Resolver()
    yield one
    names.may_answer.set()
    one.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(WAIT_S)


def test_a_name_is_looked_up_once_however_many_ask(one, names):
    names.may_answer.clear()
    first = [one.look_up("h") for _ in range(100)]
    names.may_answer.set()

    assert first == [None] * 100
    assert eventually(lambda: one.look_up("h")) == ("192.0.2.1",)
    assert names.asked == {"h": 1}


def test_a_slow_name_does_not_hold_up_the_others(one, names):
    names.may_answer.clear()
    wanted = [f"h{n}" for n in range(50)]
    for name in wanted:
        one.look_up(name)
    eventually(lambda: len(names.asked) == 50)
    names.may_answer.set()

    assert names.asked == dict.fromkeys(wanted, 1)


@pytest.mark.parametrize(
    ("name", "error"), [("no.invalid", OSError), ("a..b", UnicodeError)]
)
def test_a_failure_is_raised_and_forgotten_soon(one, monkeypatch, name, error):
    with pytest.raises(error):
        eventually(lambda: one.look_up(name))
    monkeypatch.setattr(resolver, "monotonic", lambda: time.monotonic() + 31)

    assert one.look_up(name) is None


def test_what_was_found_is_asked_for_again_after_a_while(one, names, monkeypatch):
    monkeypatch.setattr(resolver, "_TTL_S", 0.0)

    def is_asked_again():
        one.look_up("h")
        return names.asked["h"] >= 2

    assert eventually(is_asked_again)


def test_what_waits_for_a_thread_is_not_being_asked_for(names, monkeypatch):
    """
    With aiohttp, too; and a name that does not exist is asked for once.
    """
    monkeypatch.setattr(aiohttp_names, "MAX_THREADS", 1)
    names.may_answer.clear()

    async def look_up():
        threads = aiohttp_names.Lookups()
        asyncio.get_running_loop().set_default_executor(threads)
        lookups = aiohttp_names.ThreadedLookups(threads)
        wanted = ("no.invalid", "later")
        tasks = [asyncio.create_task(lookups.resolve(name)) for name in wanted]
        async with asyncio.timeout(WAIT_S):
            while not names.asked:  # noqa: ASYNC110 - a thread does it
                await asyncio.sleep(0.001)
        stages = [lookups.stage(name) for name in (*wanted, "known")]
        names.may_answer.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        with pytest.raises(OSError, match="not known"):
            await lookups.resolve("no.invalid")
        return stages

    stages = asyncio.run(look_up())

    assert stages == [Stage.LOOKING_UP, Stage.QUEUED, Stage.CONNECTING]
    assert names.asked == {"no.invalid": 1, "later": 1}
