"""URLs of a list as they can be fetched: checked, and those in S3 signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.contract.download_results import Download
from fetcher.contract.outcome import Outcome
from fetcher.s3.urls import SCHEME, place_of
from fetcher.security import guard

if TYPE_CHECKING:
    from fetcher.contract.source import Item
    from fetcher.s3.credentials import S3Credentials


def web_host(url: str) -> str:
    """
    Return the host and port of any URL of a list; empty: it is not fetched by HTTP.

    >>> web_host("http://h/a"), web_host("https://u:p@H/\u00e9"), web_host("no URL")
    ('h', 'h:443', '')
    """
    if host := guard.plain_host(url):  # most are, and are told sooner
        return host
    try:
        guard.check_url(url)
    except guard.BadUrlError:
        return ""
    return guard.host_of(url)


class UrlPreparation:
    """
    URLs of a list, checked, and signed if they are in S3.

    Args:
        allow_s3: Whether ``s3://`` URLs are fetched.
    """

    def __init__(self, *, allow_s3: bool) -> None:
        self._allow_s3 = allow_s3
        self._credentials: S3Credentials | None = None

    def host_or_end(self, item: Item) -> str | Download:
        """Return the host and port that a URL leads to, or why it is not fetched."""
        if item.refusal:
            return Download.refused(item.refusal)
        try:
            return self.host_of(item.url)
        except guard.BadUrlError as error:
            return Download(Outcome.BAD_URL, detail=str(error))

    def host_of(self, url: str) -> str:
        """
        Return the host and port that a URL leads to.

        Raises:
            BadUrlError: If it cannot be fetched.
        """
        if self._allow_s3 and url.startswith(SCHEME):
            return guard.host_of(self._in_s3().address_of(place_of(url)))
        guard.check_url(url)
        return guard.host_of(url)

    def signed(self, url: str) -> str:
        """Return the URL; for one in S3, its address, which is good for a while."""
        if not url.startswith(SCHEME):
            return url
        return self._in_s3().signed("GET", place_of(url))

    def _in_s3(self) -> S3Credentials:
        if self._credentials is None:
            from fetcher.s3.credentials import S3Credentials  # noqa: PLC0415 - loads OpenSSL

            try:
                self._credentials = S3Credentials.from_environment()
            except OSError as error:
                raise guard.BadUrlError(str(error)) from error
        return self._credentials
