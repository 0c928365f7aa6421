"""Plans to be priced, and what is on their bills."""

from pathlib import Path
from types import SimpleNamespace

from tests.support.recorded_invocations import urls

from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.plan import Plan

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


def plan_of(source=None, **settings):
    wanted = FanOutSettings(**{"files": 400} | settings)
    source = source or urls((0, wanted.files))
    return Plan(Path("run"), wanted, source, allow_private=True)


def item(bill, what):
    found = [one for one in bill.items if what in one.what]
    return found[0] if found else None
