"""
Listings of a bucket, a thousand objects or unfinished uploads a request.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fetcher.s3.connection import Connection
    from fetcher.s3.urls import Place

_MORE = "<IsTruncated>true</IsTruncated>"
_NEXT = re.compile(r"<Next(ContinuationToken|KeyMarker|UploadIdMarker)>(.*?)</Next")
_PARAMETERS = {
    "ContinuationToken": "continuation-token",
    "KeyMarker": "key-marker",
    "UploadIdMarker": "upload-id-marker",
}
_SIZED = re.compile(
    r"<Contents>.*?<Key>(.*?)</Key>.*?<Size>(\d+)</Size>.*?</Contents>", re.DOTALL
)
_UPLOAD = re.compile(r"<Upload>(.*?)</Upload>", re.DOTALL)
_NAMED = re.compile("<(Key|UploadId)>(.*?)</")  # in any order


def pages_below(
    connection: Connection, prefix: Place, until: float, delimiter: str = ""
) -> Iterator[str]:
    """
    Yield the documents that list all keys with a prefix, sorted.

    With a delimiter, keys that have it behind the prefix are left out.

    Raises:
        S3Error: If S3 refuses, or does not answer.
    """
    parameters = {"list-type": "2"} | ({"delimiter": delimiter} if delimiter else {})
    return _pages(connection, prefix, until, parameters)


def sizes_below(
    connection: Connection, prefix: Place, until: float, delimiter: str = ""
) -> Iterator[tuple[str, int]]:
    """Yield the key of each object with a prefix, and its bytes; see `pages_below`."""
    for text in pages_below(connection, prefix, until, delimiter):
        for key, size in _SIZED.findall(text):
            yield unescape(key), int(size)


def uploads_below(
    connection: Connection, prefix: Place, until: float
) -> Iterator[tuple[str, str]]:
    """
    Yield the key and the id of each upload with a prefix that was not finished.

    Raises:
        S3Error: If S3 refuses, or does not answer.
    """
    for text in _pages(connection, prefix, until, {"uploads": ""}):
        for upload in _UPLOAD.findall(text):
            named = dict(_NAMED.findall(upload))
            yield unescape(named["Key"]), unescape(named["UploadId"])


def _pages(
    connection: Connection, prefix: Place, until: float, kind: Mapping[str, str]
) -> Iterator[str]:
    bucket, parameters = prefix._replace(key=""), {**kind, "prefix": prefix.key}
    while True:
        answer = connection.request("GET", bucket, parameters, until=until)
        text = answer.body.decode()
        yield text
        markers = _NEXT.findall(text)
        if _MORE not in text or not markers:
            return
        for name, marker in markers:
            parameters[_PARAMETERS[name]] = unescape(marker)
