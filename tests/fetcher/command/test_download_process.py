"""Downloads of one process, and what becomes of them if nobody is told."""

import pytest

from fetcher.command.download_process import fetch
from fetcher.contract.options import Options
from fetcher.contract.source import Item
from fetcher.process.signals import Stops
from fetcher.sinks.discard import Discard
from fetcher.transfer.scheduler import engine_for


class Settling(Discard):
    """Would make its files safe at the end."""

    settles = True
    has_settled = False

    def settle(self):
        self.has_settled = True
        return {}


def test_nothing_is_made_safe_any_more_once_nobody_can_be_told(origin):
    """
    A child whose parent was killed leaves no tar behind that no report has.
    """

    def pause(_):
        raise BrokenPipeError

    options, sink = Options(allow_private=True, connections=1), Settling()
    items = [Item(0, origin.url("/silence"))]
    with Stops() as stops, pytest.raises(BrokenPipeError):
        fetch(
            *(engine_for(options), items, sink, options, 60.0, stops),
            *(lambda _: None, pause),
        )

    assert not sink.has_settled
