"""Downloads that are passed on only once their bodies are safe."""

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.sinks.deferred_results import DeferredResults
from fetcher.sinks.discard import Discard
from fetcher.transfer.sink import WHOLE

LOST = Download(Outcome.SINK, detail="the bucket is gone")
KEPT = WHOLE._replace(path="s3://b/k", seconds=1.5)


class Slow(Discard):
    """A sink whose bodies are safe when it is told so."""

    def __init__(self):
        self.safe, self.rest = {}, {}

    def settled(self):
        told, self.safe = self.safe, {}
        return told

    def settle(self):
        return self.rest


def test_each_download_is_passed_on_once_when_its_body_is_safe_or_lost():
    sink, told = Slow(), []
    settling = DeferredResults(
        sink, lambda at, item, end: told.append((at, item.number, end))
    )
    failed = Download(Outcome.CUT, detail="ended early")
    sink.safe = {4: None}  # before its download is reported
    settling.collect()
    for number, end in enumerate([KEPT, KEPT, failed, KEPT, KEPT, KEPT]):
        settling.add(number + 10, Item(number, "http://h/"), end)
    at_once = [number for _, number, _ in told]
    sink.safe = {0: None, 1: LOST}
    settling.collect()
    settling.collect()
    sink.rest = {3: LOST}
    settling.finish()
    lost = KEPT._replace(outcome=Outcome.SINK, detail=LOST.detail, path="")

    assert at_once == [2, 4]
    assert sorted(told) == [
        *((10, 0, KEPT), (11, 1, lost), (12, 2, failed)),
        *((13, 3, lost), (14, 4, KEPT), (15, 5, KEPT)),
    ]
