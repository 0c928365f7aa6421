"""
Listings of a bucket, a thousand objects a request.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.s3.connection import Connection
    from fetcher.s3.urls import Place

_NEXT = re.compile(r"<NextContinuationToken>(.*?)</NextContinuationToken>")
_SIZED = re.compile(
    r"<Contents>.*?<Key>(.*?)</Key>.*?<Size>(\d+)</Size>.*?</Contents>", re.DOTALL
)


def pages_below(connection: Connection, prefix: Place, until: float) -> Iterator[str]:
    """
    Yield the documents that list all keys with a prefix, sorted.

    Raises:
        S3Error: If S3 refuses, or does not answer.
    """
    parameters = {"list-type": "2", "prefix": prefix.key}
    bucket = prefix._replace(key="")
    while True:
        answer = connection.request("GET", bucket, parameters, until=until)
        text = answer.body.decode()
        yield text
        if not (more := _NEXT.search(text)):
            return
        parameters["continuation-token"] = unescape(more[1])


def sizes_below(
    connection: Connection, prefix: Place, until: float
) -> Iterator[tuple[str, int]]:
    """Yield the key of each object with a prefix, and its bytes; see `pages_below`."""
    for text in pages_below(connection, prefix, until):
        for key, size in _SIZED.findall(text):
            yield unescape(key), int(size)
