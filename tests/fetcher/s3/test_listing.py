"""Listings of a bucket that take more than one request."""

from types import SimpleNamespace

from fetcher.s3.listing import uploads_below
from fetcher.s3.urls import Place

UPLOAD = (
    "<Upload><UploadId>i{0}</UploadId><Initiated>2026</Initiated><Key>a/{0}</Key>"
    "</Upload>"
)
FIRST = (
    "<NextKeyMarker>a/1&amp;</NextKeyMarker><NextUploadIdMarker>i1</NextUploadIdMarker>"
    f"<IsTruncated>true</IsTruncated>{UPLOAD.format(0)}{UPLOAD.format('1&amp;')}"
)
LAST = (
    "<KeyMarker>a/1&amp;</KeyMarker><NextKeyMarker>a/2</NextKeyMarker>"
    f"<IsTruncated>false</IsTruncated>{UPLOAD.format(2)}"
)


def test_unfinished_uploads_are_listed_to_the_last_page():
    """
    The local endpoint has them all on one.
    """
    asked = []

    def request(_method, _place, parameters, *, until):
        assert until == 9.0
        asked.append(dict(parameters))
        return SimpleNamespace(body=(FIRST, LAST)[len(asked) - 1].encode())

    connection = SimpleNamespace(request=request)
    found = list(uploads_below(connection, Place("b", "a/"), 9.0))
    first = {"uploads": "", "prefix": "a/"}

    assert found == [("a/0", "i0"), ("a/1&", "i1&"), ("a/2", "i2")]
    assert asked == [first, first | {"key-marker": "a/1&", "upload-id-marker": "i1"}]
