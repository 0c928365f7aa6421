"""How an engine ends before its work does: deadline, signal, mistake."""

import os
import signal
import socket
import threading
import time
from unittest.mock import Mock

import pytest
from tests.support.engine_jobs import SOON_S
from tests.support.name_service import Names

from fetcher.contract.options import Options
from fetcher.contract.source import Item
from fetcher.contract.template_source import Template
from fetcher.sinks.discard import Discard
from fetcher.transfer.transfers import Transfers, engine_for


def test_at_the_deadline_what_is_unfinished_is_unstarted(fetch, tmp_path, origin):
    busy = b"HTTP/1.1 503 No\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
    urls = [*map(origin.url, ["/bytes/9", "/stall", "/silence"]), origin.saying(busy)]
    began = time.monotonic()
    ended = fetch(urls * 10, deadline_s=0.5, attempts=3)

    assert time.monotonic() - began < SOON_S
    assert {"ok", "unstarted"} == {one.outcome for one in ended}
    whole = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(whole) == sum(one.outcome == "ok" for one in ended)


def test_a_signal_brings_the_deadline_to_now(origin, engine):
    ended = []
    options = Options(engine=engine, allow_private=True, connections=5)
    running = engine_for(options)
    source = Template(origin.url(f"/silence/{engine}{{number}}"), ((0, 20),))
    job = Transfers(source, Discard(), options, lambda *one: ended.append(one))

    def interrupt():
        origin.wait_for(f"/silence/{engine}", 5)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: running.stop())
    helper = threading.Thread(target=interrupt)
    helper.start()
    began = time.monotonic()
    job.run(running, 60.0)
    helper.join()
    signal.signal(signal.SIGUSR1, before)

    assert time.monotonic() - began < SOON_S
    assert [one.outcome for *_, one in ended] == ["unstarted"] * 20


def test_stopping_before_the_start_or_after_the_end_does_no_harm(origin, engine):
    ended = []
    options = Options(engine=engine, allow_private=True)
    running = engine_for(options)
    running.stop()
    source = Template(origin.url("/silence/{number}"), ((0, 3),))
    job = Transfers(source, Discard(), options, lambda *one: ended.append(one))
    job.run(running, 60.0)
    running.stop()

    assert [one.outcome for *_, one in ended] == ["unstarted"] * 3


def test_a_mistake_of_ours_surfaces_instead_of_hanging(origin, engine):
    options = Options(engine=engine, allow_private=True)
    urls = [Item(0, origin.url("/bytes/1"))]
    urls += [Item(n, origin.url("/silence")) for n in range(1, 9)]
    mistaken = Mock(side_effect=LookupError("a mistake"))
    began = time.monotonic()

    with pytest.raises(LookupError, match="a mistake"):
        Transfers(urls, Discard(), options, mistaken).run(engine_for(options), 60.0)
    assert time.monotonic() - began < SOON_S


def test_a_name_server_that_does_not_answer_does_not_delay_the_report(
    fetch, monkeypatch
):
    """
    A report that comes after Lambda's timeout is a report lost.
    """
    names = Names({})
    names.may_answer.clear()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    began = time.monotonic()
    ended = fetch(["http://one.invalid/", "http://two.invalid/"], connect_timeout_s=0.2)
    took_s = time.monotonic() - began
    names.may_answer.set()

    assert took_s < SOON_S
    assert [one.outcome for one in ended] == ["dns"] * 2
