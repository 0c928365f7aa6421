"""The `rollout` command as installed: what it imports, Ctrl-C may interrupt."""

from __future__ import annotations

from fetcher.process.signals import quit_when_interrupted


def main() -> int:
    """Run the command and return its exit status."""
    quit_when_interrupted("rollout")
    from rollout.__main__ import main as run  # noqa: PLC0415 - takes half a second

    return run()
