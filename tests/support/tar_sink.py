"""The sink ``s3-tar`` behind a proxy, and bodies for it."""

from __future__ import annotations

from contextlib import closing
from time import monotonic

from tests.support.s3_proxy import WAIT_S
from tests.support.signed_requests import account_at

from fetcher.contract.source import Item
from fetcher.sinks.tars.s3_tar import S3Tar
from fetcher.transfer.sink import WHOLE

MB = 2**20


def sink_for(tar, proxy):
    """Return the sink, as a context."""
    return closing(S3Tar(tar, account_at(proxy.url), monotonic() + WAIT_S))


def body(number, size):
    """Return a body that no other number has."""
    return bytes([number % 251]) * size


def fill(sink, many, size=10_000, first=0):
    """Keep so many bodies that come at once."""
    for number in range(first, first + many):
        sink.keep(Item(number, f"http://h/{number}.jpg"), [body(number, size)])


def fill_tar(tar, proxy, many, size=10_000, first=0):
    """Make a tar of so many bodies; return what was lost."""
    with sink_for(tar, proxy) as sink:
        fill(sink, many, size, first)
        return sink.settle()


def write(sink, item, content, download=WHOLE):
    """Keep a body that comes in parts."""
    writer = sink.open(item)
    try:
        for start in range(0, len(content), 100_000):
            middle, end = start + 50_000, start + 100_000
            writer.write([content[start:middle], content[middle:end]])
        return writer.commit(download)
    except OSError:
        writer.discard()
        raise


def outcomes(endings):
    """Return how downloads ended after all, by number."""
    return {number: ending.outcome for number, ending in endings.items()}
