"""The session of a notebook: a target, and a local endpoint if it started one."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from IPython.core.getipython import get_ipython

from experiment.parameters.checks import SettingsError
from experiment.parameters.fan_out import NGINX, FanOutSettings
from experiment.parameters.settings import DownloadSettings
from fetcher.security.guard import BadUrlError, check_url
from local_aws.endpoint_error import EndpointError
from origin import OriginError, stats_at
from origin.nginx import Nginx, is_installed
from origin.picture import MOST_BYTES
from rollout.deploy.deployment import destroy
from rollout.errors import RolloutError
from rollout.target.connection import Target, connect, wants_local_endpoint
from rollout.target.local_endpoint import local_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from IPython.core.interactiveshell import InteractiveShell

    from experiment.parameters.settings import Settings

_T = TypeVar("_T")
OWN_ORIGIN = "the project's own"
_ORIGIN_ANSWERS_WITHIN_S = 5
_LOOK_EVERY_S = 0.02
_NO_COUNT = (OSError, HTTPException, OriginError)
_OF_THIS_KERNEL: list[Session] = []
_STOPPED = "Stopped: to go on, run this cell and those below it again"
_MOST_KB = MOST_BYTES // 1_000


@dataclass
class Session:
    """
    An open connection to a target. Made by `open_session`.

    Attributes:
        origin_url: Where the experiment's files are; empty: nowhere.

        origin: The server of these files, in words.

        nginx: The origin, if this session started nginx.
    """

    target: Target
    origin_url: str
    origin: str
    nginx: Nginx | None
    _held: ExitStack = field(repr=False)
    _has_own_endpoint: bool = False
    _has_own_origin: bool = False

    def template(self, settings: FanOutSettings) -> str:
        """
        Return the URLs to fetch, with ``{number}`` in them.

        Raises:
            SettingsError: If the settings bring no URLs, and there is no origin or it
                does not answer.
        """
        if settings.url_template:
            return settings.url_template
        if not self.origin_url:
            raise SettingsError(_no_origin(self.target))
        folder = f"{self.origin_url}/{settings.file_kb * 1_000}"
        if self.target.allow_private:  # its executions are on this machine
            _check_origin(self.origin_url, f"{folder}/0.jpg")
        return f"{folder}/{{number}}.jpg"

    def requests(self) -> int | None:
        """
        Return how many requests the origin has counted.

        None if it is not ours or no longer answers; the run's result stands anyway.
        """
        try:
            return self._requests()
        except _NO_COUNT as error:
            print(f"Warning: the origin's own count is missing: {error!r}")
            return None

    def served(self) -> int | None:
        """Return the same for a progress bar, which can do without."""
        with suppress(*_NO_COUNT):
            return self._requests()
        return None

    def _requests(self) -> int | None:
        if self.nginx:
            return self.nginx.requests()
        return stats_at(self.origin_url)["requests"] if self._has_own_origin else None

    def files_from(self, settings: FanOutSettings) -> str:
        """Say where files come from, and why if not from where the settings say."""
        if self._has_own_origin and settings.origin == NGINX:
            return f"nginx is not installed: files come from {self.origin} origin"
        own = f"{self.origin} origin" if self._has_own_origin else self.origin
        return f"Files come from: {own or 'your URLs'}"

    def hold(self, context: AbstractContextManager[_T]) -> _T:
        """Enter a context that lasts until this session ends."""
        return self._held.enter_context(context)

    def end(self, function: str = "") -> list[str]:
        """
        Remove a function, and let everything end that this session started.

        Only this process's end waits for that, a second or more. A failure at the
        session's own endpoint is a warning: everything there ends with it, and the
        run's result stands. An empty name keeps the function.

        Returns:
            The resources removed.

        Raises:
            rollout.errors.RolloutError: If something is left at another endpoint.

            EndpointError, OriginError: If a process of this session has died.
        """
        try:
            removed = destroy(self.target, function) if function else []
            self.target.check_alive(0.0)
            return removed
        except (RolloutError, EndpointError, OriginError, OSError) as error:
            if not self._has_own_endpoint:
                raise
            print(f"Warning: {error} This run's own endpoint ends with it.")
            return []
        finally:
            self._close_in_background()

    def stop(self, function: str = "") -> list[str]:
        """
        Do the same as `end`, but leave what is in its own endpoint to that, silently.

        Raises:
            rollout.errors.RolloutError: If something is left at another endpoint.
        """
        self._close_in_background()
        if not function or self._has_own_endpoint:
            return []
        return destroy(self.target, function)

    def close(self) -> None:
        """Stop everything that this session started."""
        self._held.close()

    def _close_in_background(self) -> None:
        Thread(target=self._close_silently, name="end of a session").start()

    def _close_silently(self) -> None:
        with suppress(EndpointError, OriginError, OSError):
            self.close()


def open_session(settings: Settings) -> Session:
    """
    Connect to the target; start a local endpoint first if none is named.

    Start nginx too, if the settings ask for it as the origin and it is installed. In a
    kernel, the session replaces the one that its notebook opened before.
    `Session.close` stops both; so does the end of this process, even by a kill.

    Raises:
        rollout.errors.RolloutError: If the target does not answer.
    """
    endpoint_url, origin_url, keys = settings.endpoint_url, "", None
    children: list[Callable[[float], None]] = []
    if isinstance(settings, DownloadSettings):
        origin_url = settings.origin_url.rstrip("/")
    origin, has_own_origin = origin_url, False
    has_own_endpoint = wants_local_endpoint(settings.target, endpoint_url)
    with ExitStack() as held:
        nginx = _nginx(settings)
        if nginx:
            origin_url = held.enter_context(nginx).url
            origin = f"nginx {nginx.version}"
            children.append(nginx.check)
        if has_own_endpoint:
            has_own_origin = not origin_url and not _brings_urls(settings)
            endpoint = held.enter_context(local_endpoint(origin=has_own_origin))
            endpoint_url, keys = endpoint.endpoint_url, endpoint.keys
            children.append(endpoint.check)
            if has_own_origin:
                origin_url, origin = endpoint.origin_url, OWN_ORIGIN
        check_alive = partial(_check_alive, children)
        target = connect(
            settings.target, endpoint_url, keys=keys, check_alive=check_alive
        )
        owns = has_own_endpoint, has_own_origin
        session = Session(target, origin_url, origin, nginx, held.pop_all(), *owns)
    _replace_earlier(session)
    return session


def _check_alive(children: list[Callable[[float], None]], within_s: float) -> None:
    """Raise if one of these processes ends within so many seconds, for all together."""
    until = monotonic() + within_s
    try:
        while True:
            for check in children:
                check(0.0)
            if monotonic() >= until:
                return
            sleep(_LOOK_EVERY_S)
    except OriginError as error:
        raise EndpointError(str(error)) from error


def _replace_earlier(session: Session) -> None:
    """Stop what a notebook left running, if it was interrupted before it ended it."""
    shell = get_ipython()
    if not shell:
        return
    shell.set_custom_exc((KeyboardInterrupt,), _show_stop)
    while _OF_THIS_KERNEL:
        _OF_THIS_KERNEL.pop().stop()
    _OF_THIS_KERNEL.append(session)


def _show_stop(
    shell: InteractiveShell, kind: type, error: BaseException, *_: object, **__: object
) -> None:
    """Show the stop button's interrupt as one line, wherever it hits a cell."""
    told = getattr(error, "_render_traceback_", lambda: [_STOPPED])
    shell._showtraceback(kind, error, told())  # noqa: SLF001 - no other way to one line


def _nginx(settings: Settings) -> Nginx | None:
    """Return an nginx to start, if the settings ask for it and it is installed."""
    if not isinstance(settings, FanOutSettings) or settings.origin != NGINX:
        return None
    has_files = settings.origin_url or _brings_urls(settings)
    if has_files or settings.target != "local" or not is_installed():
        return None
    return Nginx([settings.file_kb * 1_000])


def _brings_urls(settings: Settings) -> bool:
    return isinstance(settings, FanOutSettings) and settings.brings_urls


def _no_origin(target: Target) -> str:
    if target.name == "aws":
        return (
            "There is nothing to download: executions on AWS cannot reach an origin on "
            "this machine. Set origin_url, or in 20_fan_out url_template or url_list."
        )
    return (
        "There is nothing to download: an endpoint_url is set and no origin_url. Set "
        "origin_url to the one that `rollout serve --origin` printed beside "
        f"{target.endpoint_url}; without --origin it has no files. Or set url_template "
        "or url_list in 20_fan_out."
    )


def _check_origin(origin_url: str, first: str) -> None:
    """Refuse an origin that does not answer a HEAD request for its first file."""
    try:
        check_url(first)
        opener = build_opener(ProxyHandler({}))  # executions use no proxy either
        head = Request(first, method="HEAD")  # noqa: S310 - http or https, as checked
        with opener.open(head, timeout=_ORIGIN_ANSWERS_WITHIN_S):
            return
    except HTTPError as error:
        msg = (
            f"The origin {origin_url} answers {first} with {error.code} "
            f"{error.reason}. Ours has files of 1 to {_MOST_KB:,} kB."
        )
    except BadUrlError as error:
        msg = f"The origin_url is {origin_url!r}. {error}"
    except OSError as error:
        reason = getattr(error, "reason", error)
        msg = f"The origin {origin_url} does not answer: {reason}."
    msg += (
        " Set origin_url to the one that `rollout serve --origin` prints, or leave "
        "it empty, in the notebook's parameters cell."
    )
    raise SettingsError(msg)
