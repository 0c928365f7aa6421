"""Uploads, as AWS's own code would make them, and gone where they end late."""

import re
import threading
import xml.etree.ElementTree as ET
from time import monotonic

import boto3
import pytest
from tests.support.s3_proxy import HANG_UP, WAIT_S
from tests.support.tar_sink import MB, fill, fill_tar, sink_for
from tests.support.waiting import eventually

from fetcher.s3 import upload


@pytest.mark.usefixtures("small_parts")
def test_requests_are_those_that_boto3_makes(proxy, tar, s3):
    """
    What moto forgives, S3 may not; botocore's models know what it takes.
    """
    fill_tar(tar, proxy, 7, MB)
    ours = {asked.what: asked for asked in proxy.asked}
    proxy.asked.clear()
    _as_boto3_does(proxy, s3, tar, ours)
    theirs = {asked.what: asked for asked in proxy.asked}

    assert set(theirs) == {
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
    }
    for what, asked in theirs.items():
        mine = ours[what]
        assert (mine.method, mine.path) == (asked.method, asked.path)
        assert set(mine.query) == set(asked.query) - {"x-id"}
        assert _telling(mine.headers) == _telling(asked.headers)
    assert _plain(ours["CompleteMultipartUpload"].body) == _plain(
        theirs["CompleteMultipartUpload"].body
    )


def _as_boto3_does(proxy, s3, tar, ours):
    through = boto3.client(
        "s3",
        endpoint_url=proxy.url,
        region_name="us-east-1",
    )
    where = {"Bucket": tar.bucket, "Key": tar.key}
    s3.delete_object(**where)
    part = ours["UploadPart"]
    upload_id = through.create_multipart_upload(
        **where, ChecksumAlgorithm="CRC32", Metadata={"written-by": "x"}
    )["UploadId"]
    sent = through.upload_part(
        **where,
        UploadId=upload_id,
        PartNumber=int(part.query["partNumber"]),
        Body=part.body,
        ChecksumCRC32=part.headers["x-amz-checksum-crc32"],
    )
    whole = ours["CompleteMultipartUpload"].body
    parts = [
        {"PartNumber": number, "ETag": etag, "ChecksumCRC32": crc}
        for number, etag, crc in _parts_of(whole)
    ]
    assert sent["ETag"] in [one["ETag"] for one in parts]
    with pytest.raises(through.exceptions.ClientError, match="InvalidPart"):
        through.complete_multipart_upload(
            **where,
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
            IfNoneMatch="*",
        )


def _parts_of(document):
    return [
        (int(number), etag, crc)
        for number, etag, crc in re.findall(
            r"<PartNumber>(\d+)</PartNumber><ETag>(.*?)</ETag>"
            r"<ChecksumCRC32>(.*?)</ChecksumCRC32>",
            document.decode().replace("&quot;", '"'),
        )
    ]


def _telling(headers):
    """
    Return the headers that say what is wanted, not who wants it and with what.
    """
    ours = ("x-amz-checksum", "x-amz-meta-", "if-none-match", "content-length")
    return {
        name: "" if name.startswith("x-amz-meta") else text
        for name, text in headers.items()
        if name.startswith(ours)
    }


def _plain(document):
    """
    Return XML's texts by their names, in order: boto3 sorts neither as we do.
    """
    root = ET.fromstring(document)
    return root.tag, [sorted((one.tag, one.text) for one in part) for part in root]


@pytest.mark.usefixtures("small_parts")
def test_at_the_deadline_an_upload_is_aborted_again_once_its_parts_have_ended(
    proxy, tar, monkeypatch
):
    """
    A part that arrives after the first abort would be stored, and billed, for ever.
    """
    monkeypatch.setattr(upload, "_LAST_LOOK_S", WAIT_S)
    over = threading.Event()
    proxy.fault = lambda asked: (
        over.wait(WAIT_S) and HANG_UP if asked.what == "UploadPart" else None
    )
    with sink_for(tar, proxy) as sink:
        fill(sink, 7, MB)
        eventually(lambda: proxy.seen("UploadPart"))
        sink._until = monotonic() + 0.6
        sink.settle()
        over.set()

    assert len(proxy.seen("AbortMultipartUpload")) == 2
    assert proxy.asked[-1].what == "AbortMultipartUpload"


@pytest.mark.usefixtures("small_parts")
def test_to_abort_and_to_look_once_more_share_what_is_kept_back(
    proxy, tar, monkeypatch
):
    monkeypatch.setattr(upload, "_LAST_LOOK_S", 4)
    over = threading.Event()
    late = {"UploadPart", "AbortMultipartUpload", "HeadObject"}
    proxy.fault = lambda asked: (
        over.wait(WAIT_S) and HANG_UP if asked.what in late else None
    )
    with sink_for(tar, proxy) as sink:
        fill(sink, 7, MB)
        eventually(lambda: proxy.seen("UploadPart"))
        began = monotonic()
        sink._until = began + 0.6
        sink.settle()
    took_s = monotonic() - began
    over.set()

    assert took_s < 7
