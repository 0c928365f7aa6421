"""What a notebook holds open: a target, and a local endpoint if it started one."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout.local_endpoint import local_endpoint

from experiment.settings import SettingsError
from rollout.target import Target, connect, wants_local_endpoint

if TYPE_CHECKING:
    from experiment.settings import FanOutSettings, Settings


@dataclass
class Session:
    """
    A target at hand. Made by `open_session`.

    Attributes:
        target: Where functions are deployed.

        origin_url: Where the experiment's files are; empty: nowhere.
    """

    target: Target
    origin_url: str
    _held: ExitStack = field(repr=False)

    def template(self, settings: FanOutSettings) -> str:
        """
        Return the URLs to fetch, with ``{number}`` in them.

        Raises:
            SettingsError: If there is no origin, and the settings bring no URLs.
        """
        if settings.url_template:
            return settings.url_template
        origin = settings.origin_url or self.origin_url
        if not origin and not settings.url_list:
            msg = (
                f"There is nothing to download: {self.target.endpoint_url or 'AWS'} "
                "has no origin. Set origin_url, url_template or url_list in the "
                "notebook's parameters cell, or start the local endpoint with "
                "`rollout serve --origin`."
            )
            raise SettingsError(msg)
        return f"{origin}/{settings.file_kb * 1_000}/{{number}}.jpg"

    def close(self) -> None:
        """Stop the local endpoint, if this session started it."""
        self._held.close()


def open_session(settings: Settings) -> Session:
    """
    Connect to the target; start a local endpoint first if none is named.

    An endpoint started here ends with `Session.close`, or with this process, however
    it ends.

    Raises:
        rollout.errors.RolloutError: If the target does not answer.
    """
    held = ExitStack()
    endpoint_url, origin_url = settings.endpoint_url, ""
    if wants_local_endpoint(settings.target, settings.endpoint_url):
        endpoint = held.enter_context(local_endpoint())
        endpoint_url, origin_url = endpoint.endpoint_url, endpoint.origin_url
    return Session(connect(settings.target, endpoint_url), origin_url, held)
