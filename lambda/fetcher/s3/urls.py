"""URLs like ``s3://bucket/key``: parsed, checked, and turned into addresses."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from fetcher.security.guard import BadUrlError
from fetcher.security.masking import masked

SCHEME = "s3://"

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_MOST_KEY = 1_024  # bytes
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_AS_THEY_ARE = "/-_.~"  # in a key; all else is percent-encoded, once


class Place(NamedTuple):
    """A bucket, and a key or the beginning of keys in it."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    def below(self, name: str) -> Place:
        """
        Return the place of this name.

        Raises:
            BadUrlError: If the key would be longer than S3's.

        >>> str(Place("kept", "a").below("1")), str(Place("kept", "").below("1"))
        ('s3://kept/a/1', 's3://kept/1')
        """
        return _checked(self.bucket, f"{self.key}/{name}" if self.key else name)


def place_of(url: str) -> Place:
    """
    Return the object that a URL names; its key is not percent-encoded in there.

    Raises:
        BadUrlError: If there can be no such object.

    >>> place_of("s3://photos/cats/1 %.jpg")
    Place(bucket='photos', key='cats/1 %.jpg')
    """
    place = _split(url)
    if not place.key:
        msg = "The URL names a bucket and no key: write s3://bucket/key."
        raise BadUrlError(msg)
    return place


def prefix_of(url: str) -> Place:
    """
    Return a bucket and the beginning of keys, which may be empty.

    Slashes at its end are left out.

    Raises:
        BadUrlError: If it is no URL of S3.

    >>> prefix_of("s3://photos/kept/")
    Place(bucket='photos', key='kept')
    """
    place = _split(url)
    return place._replace(key=place.key.rstrip("/"))


def _split(url: str) -> Place:
    if not url.startswith(SCHEME):
        msg = f"{masked(url)[:80]!r} is no place in S3: write s3://bucket/prefix."
        raise BadUrlError(msg)
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    return _checked(bucket, key)


def _checked(bucket: str, key: str) -> Place:
    if not _BUCKET.fullmatch(bucket):
        named = masked(f"{SCHEME}{bucket}").removeprefix(SCHEME)
        msg = (
            f"The bucket is {named[:80]!r}; it must have 3 to 63 small letters, "
            "digits, dots and hyphens."
        )
        raise BadUrlError(msg)
    size = len(key.encode(errors="surrogatepass"))
    if size > _MOST_KEY:
        msg = f"The key has {size:,} bytes; S3 takes {_MOST_KEY:,}."
        raise BadUrlError(msg)
    return Place(bucket, key)


def address_of(place: Place, region: str, endpoint_url: str) -> str:
    """
    Return the URL of an object, or of a bucket: at AWS if no endpoint stands in.

    The scheme's default port is left out, as in the header ``host`` that is signed.

    >>> address_of(Place("b-1", "a b"), "eu-west-1", "")
    'https://b-1.s3.eu-west-1.amazonaws.com/a%20b'
    >>> address_of(Place("b.1", "a"), "eu-west-1", "")
    'https://s3.eu-west-1.amazonaws.com/b.1/a'
    """
    path = quote(place.key, safe=_AS_THEY_ARE, errors="surrogatepass")
    if endpoint_url:
        base = endpoint_url.rstrip("/")
        base = base.removesuffix(_DEFAULT_PORTS.get(base.partition(":")[0], ""))
        return f"{base}/{place.bucket}/{path}"
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    if "." in place.bucket:  # the certificate is one for names without
        return f"https://s3.{region}.{domain}/{place.bucket}/{path}"
    return f"https://{place.bucket}.s3.{region}.{domain}/{path}"
