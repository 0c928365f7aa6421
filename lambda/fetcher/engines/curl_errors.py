"""Meanings of libcurl's error codes."""

from __future__ import annotations

import re

import pycurl

from fetcher.contract.outcome import Outcome

_E_HTTP2_STREAM = 92  # pycurl has no name for it
# https://curl.se/libcurl/c/libcurl-errors.html
_MEANINGS: dict[int, tuple[Outcome, str]] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: (Outcome.PROTOCOL, "not HTTP: {message}"),
    pycurl.E_URL_MALFORMAT: (Outcome.BAD_URL, "the URL is malformed: {message}"),
    pycurl.E_COULDNT_RESOLVE_HOST: (Outcome.DNS, "no address for {host}: {message}"),
    pycurl.E_COULDNT_CONNECT: (Outcome.CONNECT, "no connection to {host}: {message}"),
    pycurl.E_INTERFACE_FAILED: (Outcome.CONNECT, "no connection to {host}: {message}"),
    pycurl.E_OPERATION_TIMEDOUT: (Outcome.CONNECT_TIMEOUT, "no connection: {message}"),
    pycurl.E_PARTIAL_FILE: (Outcome.CUT, "the body ended early"),
    pycurl.E_GOT_NOTHING: (
        Outcome.CUT,
        "the connection was closed before an answer came",
    ),
    pycurl.E_FILESIZE_EXCEEDED: (
        Outcome.TOO_LARGE,
        "the announced Content-Length is too large to store",
    ),
    pycurl.E_BAD_CONTENT_ENCODING: (
        Outcome.PROTOCOL,
        "the body is encoded, and cannot be decoded: {message}",
    ),
    # Its decoder's: what fails in keeping a body has been told by then.
    pycurl.E_WRITE_ERROR: (Outcome.PROTOCOL, "the body does not inflate: {message}"),
    pycurl.E_SEND_ERROR: (Outcome.CUT, "the connection broke: {message}"),
    pycurl.E_RECV_ERROR: (Outcome.CUT, "the connection broke: {message}"),
    pycurl.E_HTTP2: (Outcome.CUT, "the connection broke: {message}"),
    _E_HTTP2_STREAM: (Outcome.CUT, "the connection broke: {message}"),
}
# Messages of E_RECV_ERROR that are about what was received, not about receiving.
_ENDLESS_HEAD = ("Too large response headers", "Too many response headers")
_MALFORMED_BODY = ("chunk hex-length", "invalid chunk size", "Malformed encoding")
_MALFORMED = (*_ENDLESS_HEAD, *_MALFORMED_BODY)
# Messages of E_SSL_CONNECT_ERROR that are about the connection: the first two of
# libcurl, the third of OpenSSL, the last of older versions of libcurl.
_BROKEN = re.compile("Recv failure|Send failure|unexpected eof|in connection to")
_TLS = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_SSL_CACERT,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ENGINE_INITFAILED,
        pycurl.E_SSL_ISSUER_ERROR,
        pycurl.E_SSL_INVALIDCERTSTATUS,
    }
)


def has_head(code: int, message: str) -> bool | None:
    """
    Tell whether the head of a response was complete; None: perhaps.

    Args:
        code: libcurl's.

        message: libcurl's.
    """
    if code == pycurl.E_FTP_WEIRD_SERVER_REPLY or message.startswith(_ENDLESS_HEAD):
        return False
    if code == pycurl.E_RECV_ERROR and not message.startswith(_MALFORMED_BODY):
        return None
    return True


def diagnose(code: int, message: str, host: str) -> tuple[Outcome, str]:
    """
    Return the outcome that an error of libcurl's stands for, and a line of detail.

    >>> diagnose(pycurl.E_GOT_NOTHING, "Empty reply from server", "h")[0]
    <Outcome.CUT: 'cut'>
    >>> diagnose(pycurl.E_SSL_CONNECT_ERROR, "Recv failure: Connection reset", "h")[1]
    'the connection broke: Recv failure: Connection reset'
    >>> diagnose(pycurl.E_BAD_CONTENT_ENCODING, "", "h")[1]
    "the body is encoded, and cannot be decoded: libcurl's error 61"
    """
    if code == pycurl.E_SSL_CONNECT_ERROR and _BROKEN.search(message):
        code = pycurl.E_RECV_ERROR
    if code in _TLS:
        return Outcome.TLS, f"TLS with {host} failed: {message}"
    if message.startswith(_MALFORMED):
        return Outcome.PROTOCOL, f"not HTTP: {message}"
    message = message or f"libcurl's error {code}"  # it gives some no words
    outcome, detail = _MEANINGS.get(code, (Outcome.PROTOCOL, "not HTTP: {message}"))
    return outcome, detail.format(message=message, host=host)
