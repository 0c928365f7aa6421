"""One of libcurl's handles and the download it is busy with."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import pycurl

from fetcher.contract.outcome import Outcome
from fetcher.engines.curl_errors import diagnose, has_head
from fetcher.engines.curl_handle import configured
from fetcher.engines.curl_head import Head
from fetcher.engines.curl_peer import Peer
from fetcher.security import guard
from fetcher.transfer import redirects
from fetcher.transfer.ending import Ending, RefusedError
from fetcher.transfer.stall import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetcher.contract.options import Options
    from fetcher.transfer.attempt import Attempt

_ABORT = -1
_HELD_BYTES = 65_536  # of one body, until libcurl has done its round
# An unwanted body is read to its end if it is short: the connection can be kept.
_SWALLOWED_BYTES = 65_536


class Transfer:
    """
    A handle that is used again and again.

    Args:
        options: How to fetch.

        user_agent: Sent with every request.

        on_data: Called with this transfer when a part of a body has come; `take_in`
            is to be called as soon as libcurl is not at work.

    Attributes:
        handle: libcurl's.

        attempt: What it is busy with.

        is_attached: Whether libcurl is at work on it.

        peer: Whom it talks to.

        redirects: How many were met on the way.

        redirect_url: Where the latest of them leads.
    """

    def __init__(
        self,
        options: Options,
        user_agent: str,
        on_data: Callable[[Transfer], None],
    ) -> None:
        self._options = options
        self._on_data = on_data
        self.handle = configured(options, user_agent)
        # Bound once: pycurl finds attributes slowly.
        self._info = self.handle.getinfo
        self.handle.setopt(pycurl.WRITEFUNCTION, self._write)
        self.peer = Peer(self.handle, allow_private=options.allow_private)
        self._head = Head(self.handle)
        if options.respect_robots or options.compressed:
            self._head.listen()
        self.is_attached = False

    def begin(self, attempt: Attempt, now: float) -> None:
        """Take on an attempt."""
        self.attempt = attempt
        self.redirects = 0
        self.redirect_url = ""
        self._begun_at = now
        self._error: BaseException | None = None

    def aim(self) -> None:
        """
        Make the attempt's URL, or where it was redirected to, the one to fetch.

        Raises:
            BadUrlError: If the URL is malformed.

            BlockedError: If its scheme is not allowed; only a redirect's can be.
        """
        url, host = self.attempt.url, self.attempt.host.name
        if self.redirect_url:
            url = redirects.checked(self.redirect_url)
            host = guard.host_of(url)
        self.peer.aim(url, host)
        self._head.clear()
        self.redirect_url = ""
        self._begun = False
        self._refused: RefusedError | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._is_paused = False
        self._swallowed = 0
        self._pace: Pace | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, TLS and all."""
        return self.is_attached and self._info(pycurl.PRETRANSFER_TIME) > 0

    def ended(self, code: int, message: str) -> Ending | None:
        """
        Return how the attempt ended, or None if `redirect_url` is to be fetched.

        Args:
            code: libcurl's; 0 if it has nothing to complain of.

            message: libcurl's.
        """
        try:
            if self._error:
                raise self._error
            if not self._begun and (came := has_head(code, message)) is not False:
                ending = self._begin(is_whole=not code, is_sure=came is True)
                if ending:
                    return ending
            if self.redirect_url:
                return None
            if self._refused:
                raise self._refused
            if self._begun and self._held:
                self._pass_on()
            if self._begun and not code:
                return self.attempt.body.finish()
        except RefusedError as refused:
            return self._refuse(refused)
        fail = self.attempt.body.fail
        if self.peer.kept_back and code == pycurl.E_COULDNT_CONNECT:
            return fail(*self.peer.kept_back)
        return fail(*diagnose(code or pycurl.E_GOT_NOTHING, message, self.peer.host))

    def take_in(self) -> int | None:
        """
        Pass on what came of the body; judge its head before, if that is not done.

        pycurl does not show the head in a callback.

        Returns:
            What to tell `ended` if there is no use in waiting for the rest.
        """
        if not self._held:
            return None
        if self._begun:
            try:
                self._pass_on()
            except RefusedError as refused:
                self._refused = refused
                return int(pycurl.E_OK)
            return None
        self._begin(is_whole=False)
        if (self._refused or self.redirect_url) and not self._is_short():
            return int(pycurl.E_OK)
        if self._is_paused:
            self._is_paused = False
            try:
                self.handle.unpause()
            except pycurl.error as error:  # what `_write` returned, most often
                return int(error.args[0])
        return None

    def overdue(self, now: float) -> tuple[Outcome, str] | None:
        """Return how the attempt has to end because of the time it takes, if so."""
        options = self._options
        if now >= self.attempt.ends_at:
            detail = f"not done within {options.total_timeout_s:g} s"
            return Outcome.TOTAL_TIMEOUT, detail
        if self._pace is None:
            if self.is_connected:
                self._pace = Pace(options, now)
            elif now - self._begun_at >= options.connect_timeout_s:
                detail = f"no connection within {options.connect_timeout_s:g} s"
                return Outcome.CONNECT_TIMEOUT, detail
            return None
        came = (
            self.attempt.body.size + self._held_bytes + self._info(pycurl.HEADER_SIZE)
        )
        stalled = self._pace.stalled(came, now)
        if stalled and self._refused:
            return self._refused.outcome, self._refused.detail
        return (Outcome.READ_TIMEOUT, stalled) if stalled else None

    def close(self) -> None:
        """Give the handle back to libcurl."""
        del self._info
        self.peer.close()
        self.handle.close()

    def _begin(self, *, is_whole: bool, is_sure: bool = True) -> Ending | None:
        """
        Judge the head of the response and what is held.

        Args:
            is_whole: That is all; nothing went wrong.

            is_sure: What came has a whole head, or is one libcurl is content with.
        """
        status = self._info(pycurl.RESPONSE_CODE)
        if status < HTTPStatus.OK and status != HTTPStatus.SWITCHING_PROTOCOLS:
            return None  # 100 Continue and the like: another follows
        attempt = self.attempt
        attempt.is_answered = self._begun = True
        if status in redirects.STATUSES and (
            url := self._head.text(pycurl.REDIRECT_URL)
        ):
            self.redirects += 1
            self.redirect_url = url
            return None
        promised = self._info(pycurl.CONTENT_LENGTH_DOWNLOAD_T)
        if promised < 0:
            promised, is_sure = None, is_sure and not is_whole
        if not (is_sure or self._held or self._head.is_whole):
            self._begun = False
            self._ask_again()
            return None
        options, held = self._options, self._held
        head = (
            status,
            self._head.text(pycurl.CONTENT_TYPE) if attempt.body.wants_kind else "",
            promised,
            self._head.values(b"x-robots-tag") if options.respect_robots else "",
            self._head.values(b"content-encoding") if options.compressed else "",
        )
        try:
            if is_whole:
                return attempt.body.whole(*head, held)
            attempt.body.begin(*head)
            if held:
                self._pass_on()
        except RefusedError as refused:
            self._refused = refused
        return None

    def _write(self, chunk: bytes) -> int | None:
        """Take in a part of the body; libcurl calls this."""
        if self._refused or self.redirect_url:
            return self._swallow(chunk)
        if not self._held:
            self._on_data(self)
        elif self._held_bytes >= _HELD_BYTES:
            if not self._begun:
                self._is_paused = True
                return int(pycurl.WRITEFUNC_PAUSE)
            try:
                self._pass_on()
            except BaseException as error:  # noqa: BLE001 - raised again in `ended`
                self._error = error
                return _ABORT
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        return None

    def _pass_on(self) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        self.attempt.body.write(held)

    def _is_short(self) -> bool:
        promised = self._info(pycurl.CONTENT_LENGTH_DOWNLOAD_T)
        return bool(0 <= promised <= _SWALLOWED_BYTES)

    def _refuse(self, refused: RefusedError) -> Ending:
        wait_s = float(self._info(pycurl.RETRY_AFTER))
        return self.attempt.body.fail(refused.outcome, refused.detail, wait_s)

    def _swallow(self, chunk: bytes) -> int | None:
        self._swallowed += len(chunk)
        return _ABORT if self._swallowed > _SWALLOWED_BYTES else None

    def _ask_again(self) -> None:
        """
        Have the head listened to, if it was not.

        libcurl does not tell an empty body from a head that was cut. Handing us every
        head would take a tenth of its time.
        """
        if not self._head.listens:
            self._head.listen()
            self.redirect_url = self.peer.url
