"""Plans made without a session that has an origin, and what is on their bills."""

from pathlib import Path
from types import SimpleNamespace

from tests.support.recorded_invocations import urls

from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.run_plan import Plan

AWS = SimpleNamespace(region="us-east-1", asks_iam=True)
ORIGINAL = {
    "files": 1_000_000,
    "file_kb": 1_700,
    "concurrency": 1_000,
    "connections": 100,
    "shards_per_execution": 1,
    "shard_sizes": "equal",
    "memory_mb": 512,
    "architecture": "x86_64",
}


class Nowhere:
    """A session with no origin at hand: URLs are made, nothing is asked."""

    target = SimpleNamespace(allow_private=True)

    @staticmethod
    def template(settings):
        return f"http://h/{settings.file_kb}/{{number}}.jpg"


def plan_of(source=None, *, folder=Path("run"), **settings):
    """Plan a fan-out of numbered URLs, or of others."""
    settings = FanOutSettings(**{"files": 400} | settings)
    source = source or urls((0, settings.files))
    return Plan(folder, settings, source, allow_private=True)


def item(bill, what):
    """Return the item of a bill that is about something; None: there is none."""
    return next((one for one in bill.items if what in one.what), None)
