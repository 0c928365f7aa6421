"""One of libcurl's handles and the attempt it is busy with."""

from __future__ import annotations

from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING

import pycurl

from fetcher.engines.curl_connect import Peer
from fetcher.engines.curl_errors import diagnose, has_head
from fetcher.engines.curl_handle import configured
from fetcher.engines.curl_head import Head
from fetcher.security import guard
from fetcher.transfer import redirects
from fetcher.transfer.attempt import Stage
from fetcher.transfer.refused_response import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetcher.contract.download_results import Download
    from fetcher.contract.options import Options
    from fetcher.contract.outcome import Outcome
    from fetcher.transfer.attempt import Attempt

_ABORT = -1
_LEAST_FINAL = HTTPStatus.OK.value  # a lower status announces another response
_SWITCHING_PROTOCOLS = HTTPStatus.SWITCHING_PROTOCOLS.value
_REDIRECTS = redirects.STATUSES
_MAX_HELD_BYTES = 65_536  # of one body, until libcurl has finished its round
# An unwanted body is read to its end if it is short: the connection can be kept.
_MAX_SWALLOWED_BYTES = 65_536


class _State(Enum):
    """How far the response to one request has come."""

    HEAD = auto()  # not judged yet; what has come of the body is held
    PAUSED = auto()  # likewise, and libcurl reads no more: enough is held
    BODY = auto()  # wanted: passed on
    REDIRECTED = auto()  # leads elsewhere: the body is swallowed
    REPEATED = auto()  # has ended; the same request is made again
    REFUSED = auto()  # not wanted: the body is swallowed


# Bound once: Python 3.11 finds members of an enum slowly.
_HEAD, _PAUSED, _BODY, _REDIRECTED, _REPEATED, _REFUSED = _State
_UNJUDGED = (_HEAD, _PAUSED)
_UNWANTED = (_REDIRECTED, _REFUSED)
_CONNECTING, _ASKED = Stage.CONNECTING, Stage.ASKED


class Transfer:
    """
    A handle that is used again and again.

    Args:
        options: How to fetch.

        user_agent: Sent with every request.

        on_data: Called with this transfer when a part of a body has come; call
            `process_held` as soon as libcurl is not at work.

    Attributes:
        handle: libcurl's.

        attempt: The attempt it is busy with.

        is_attached: Whether libcurl is at work on it.

        peer: The server it talks to.

        redirects: Number of redirects so far.

        redirect_url: What is to be asked for next; empty: nothing is.
    """

    def __init__(
        self, options: Options, user_agent: str, on_data: Callable[[Transfer], None]
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
        self._state = _HEAD

    def begin(self, attempt: Attempt) -> None:
        """Start an attempt."""
        self.attempt = attempt
        self.redirects, self.redirect_url = 0, ""
        self._error: BaseException | None = None

    def aim(self) -> None:
        """
        Set the attempt's URL, or where it was redirected to, as the one to fetch.

        Raises:
            BadUrlError: If the URL is malformed.

            BlockedError: If its scheme is not allowed; only a redirect's can be.
        """
        attempt = self.attempt
        url, host = attempt.url, attempt.host.name
        if self.redirect_url:
            if self._state is _REPEATED:  # with the password, if there is one
                url, host = self.peer.url, self.peer.host
            else:
                url = redirects.checked(self.redirect_url)
                host = guard.host_of(url)
        self.peer.aim(url, host)
        if self._head.listens:
            self._head.clear()
        self.redirect_url, self._state = "", _HEAD
        self._refusal: RefusedError | None = None
        self._held: list[bytes] = []
        self._held_bytes = self._swallowed_bytes = 0
        self._received_before = attempt.received

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, TLS and all."""
        return self.is_attached and self._info(pycurl.PRETRANSFER_TIME) > 0

    def ended(self, code: int, message: str) -> Download | None:
        """
        Return how the attempt ended, or None if `redirect_url` is to be fetched.

        Args:
            code: libcurl's; 0 for success.

            message: libcurl's.
        """
        try:
            if self._error:
                raise self._error
            if download := self._finished(code, message):
                return download
        except RefusedError as refusal:
            wait_s = float(self._info(pycurl.RETRY_AFTER))
            return self.attempt.body.fail(refusal.outcome, refusal.detail, wait_s)
        if self._state in (_REDIRECTED, _REPEATED):
            return None
        fail = self.attempt.body.fail
        if self.peer.refusal and code == pycurl.E_COULDNT_CONNECT:
            return fail(*self.peer.refusal)
        return fail(*diagnose(code or pycurl.E_GOT_NOTHING, message, self.peer.host))

    def _finished(self, code: int, message: str) -> Download | None:
        """Return how the attempt ended if all is well so far."""
        if self._state in _UNJUDGED:
            got_head = has_head(code, message) if code else True
            if got_head is not False:
                self._judge_head(not code, bool(got_head))
        elif not code and self._state is _BODY:
            size = self.attempt.body.size + self._held_bytes
            if self._head.lacks_encoding(size):
                self._repeat()
        if self._refusal:
            raise self._refusal
        if self._state is not _BODY:
            return None
        if not code:
            return self.attempt.body.finish(self._held)
        if self._held:
            self._pass_on()
        return None

    def process_held(self) -> int | None:
        """
        Judge the head, if that is not done, and pass on what came of the body.

        pycurl does not show the head in a callback.

        Returns:
            The code to pass to `ended` if there is no use in waiting for the rest.
        """
        if not self._held:
            return None
        was_paused = self._state is _PAUSED
        if self._state in _UNJUDGED:
            self._state = _HEAD
            self._judge_head(is_whole=False)
        if self._state is _BODY:
            try:
                self._pass_on()
            except RefusedError as refusal:
                self._state, self._refusal = _REFUSED, refusal
        if self._state in _UNWANTED:
            length = self._info(pycurl.CONTENT_LENGTH_DOWNLOAD_T)
            if not 0 <= length <= _MAX_SWALLOWED_BYTES:
                return int(pycurl.E_OK)
        if was_paused:
            try:
                self.handle.unpause()
            except pycurl.error as error:  # what `_write` returned, most often
                return int(error.args[0])
        return None

    def observe(self) -> None:
        """Bring the attempt's stage and bytes up to date, once it is attached."""
        attempt = self.attempt
        attempt.stage = _ASKED if self.is_connected else _CONNECTING
        if attempt.stage is _ASKED:
            came = self._info(pycurl.HEADER_SIZE) + attempt.body.size
            came += self._held_bytes + self._swallowed_bytes
            attempt.received = self._received_before + came

    def overdue(self, outcome: Outcome, detail: str) -> Download:
        """End the attempt, which takes too long; a refusal goes before that."""
        if why := self._refusal:
            outcome, detail = why.outcome, why.detail
        return self.attempt.body.fail(outcome, detail)

    def close(self) -> None:
        """Give the handle back to libcurl."""
        del self._info
        self.peer.close()
        self.handle.close()

    def _judge_head(self, is_whole: bool, is_sure: bool = True) -> None:
        """
        Judge the head of the response.

        Args:
            is_whole: The response has ended, without an error.

            is_sure: The head is complete, or libcurl is content with it.
        """
        attempt, status = self.attempt, self._info(pycurl.RESPONSE_CODE)
        if status < _LEAST_FINAL and status != _SWITCHING_PROTOCOLS:
            return  # 100 Continue and the like: another follows
        attempt.is_answered = True
        if status in _REDIRECTS and (url := self._head.text(pycurl.REDIRECT_URL)):
            self.redirects += 1
            self._state, self.redirect_url = _REDIRECTED, url
            return
        expected_bytes = self._info(pycurl.CONTENT_LENGTH_DOWNLOAD_T)
        if expected_bytes < 0:
            expected_bytes, is_sure = None, is_sure and not is_whole
        if not (is_sure or self._held or self._head.is_whole):
            # libcurl does not tell an empty body from a head that was cut. To pass
            # every head to Python would cost a tenth, so this request is repeated.
            if not self._head.listens:
                self._repeat()
            return
        size = self._held_bytes
        if is_whole and expected_bytes != size and self._head.lacks_encoding(size):
            self._repeat()
            return
        self._state = _BODY
        robots = encoding = ""
        if self._head.listens:
            encoding = ",".join(self._head.values(b"content-encoding"))
            if self._options.respect_robots:
                robots = "\n".join(self._head.values(b"x-robots-tag"))
        kind = self._head.text(pycurl.CONTENT_TYPE)
        try:
            attempt.body.begin(status, kind, expected_bytes, robots, encoding)
        except RefusedError as refusal:
            self._state, self._refusal = _REFUSED, refusal

    def _repeat(self) -> None:
        """Have the request made again, listening to the head."""
        self._head.listen()
        self.attempt.body = self.attempt.body.renewed()
        self._state, self.redirect_url = _REPEATED, self.peer.url

    def _write(self, chunk: bytes) -> int | None:
        """Receive a part of the body; libcurl calls this."""
        if self._state in _UNWANTED:
            self._swallowed_bytes += len(chunk)
            return _ABORT if self._swallowed_bytes > _MAX_SWALLOWED_BYTES else None
        if not self._held:
            self._on_data(self)
        elif self._held_bytes >= _MAX_HELD_BYTES:
            if self._state is not _BODY:
                self._state = _PAUSED
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
