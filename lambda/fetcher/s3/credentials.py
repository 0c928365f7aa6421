"""
Credentials for S3, and its address, from the variables that AWS's own clients read.

Lambda gives an execution its credentials, its region and, if anything stands in for
AWS, that endpoint in environment variables.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from fetcher.s3.urls import address_of
from fetcher.security.signing import Signer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetcher.s3.urls import Place

_NONE: Mapping[str, str] = {}


@dataclass
class S3Credentials:
    """
    Credentials, and the address of S3.

    Attributes:
        access_key, secret_key, token: The credentials; the token may be empty.

        region: As in ``us-east-1``; the buckets', too.

        endpoint_url: What stands in for AWS; empty: nothing does.

    >>> from fetcher.s3.urls import Place
    >>> credentials = S3Credentials("AKID", "secret", "", "eu-west-1")
    >>> credentials.signed("GET", Place("photos", "a.jpg")).partition("?")[0]
    'https://photos.s3.eu-west-1.amazonaws.com/a.jpg'
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    region: str
    endpoint_url: str = ""

    @cached_property
    def _signer(self) -> Signer:
        return Signer("s3", self.region)

    @classmethod
    def from_environment(cls) -> S3Credentials:
        """
        Return the credentials that the environment variables describe.

        Raises:
            OSError: If one is missing; says what to do.
        """
        get = os.environ.get
        region = get("AWS_REGION") or get("AWS_DEFAULT_REGION")
        access_key, secret_key = get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")
        if not (access_key and secret_key and region):
            msg = (
                "S3 needs AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION in "
                "the environment. Outside of Lambda, the first two come from: "
                'eval "$(aws configure export-credentials --format env)"'
            )
            raise OSError(msg)
        endpoint_url = get("AWS_ENDPOINT_URL_S3") or get("AWS_ENDPOINT_URL") or ""
        token = get("AWS_SESSION_TOKEN", "")
        return cls(access_key, secret_key, token, region, endpoint_url)

    def address_of(self, place: Place) -> str:
        """Return the URL of an object, unsigned."""
        return address_of(place, self.region, self.endpoint_url)

    def signed(
        self,
        method: str,
        place: Place,
        parameters: Mapping[str, str] = _NONE,
        headers: Mapping[str, str] = _NONE,
    ) -> str:
        """Return the signed URL of a request about an object; see `Signer`."""
        url = self.address_of(place)
        return self._signer.signed_url(self, method, url, parameters, headers)
