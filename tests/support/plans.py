"""Plans made without a session that has an origin."""

from types import SimpleNamespace

from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.plan import Plan


class Nowhere:
    """A session with no origin at hand: URLs are made, nothing is asked."""

    target = SimpleNamespace(allow_private=True)

    @staticmethod
    def template(settings):
        return f"http://h/{settings.file_kb}/{{number}}.jpg"


def plan_of(folder, source, **settings):
    return Plan(folder, FanOutSettings(**settings), source, allow_private=True)
