"""Bodies that are counted and thrown away."""

from fetcher.contract.source import Item
from fetcher.sinks.discard import Discard


def test_nothing_is_kept_and_nothing_goes_wrong():
    sink = Discard()
    writer = sink.open(Item(0, "http://h/a"))
    writer.write([b"x"])
    path = writer.commit()
    writer.discard()
    sink.close()

    assert path == ""
