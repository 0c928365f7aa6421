"""Presigned URLs, and signed bodies: they allow what was signed, and no more."""

import time

import pytest
from tests.support.signed_requests import client_with, headers_signed
from tests.support.urllib_http import fetch


@pytest.fixture(scope="module")
def s3(client_of):
    return client_of("s3")


@pytest.fixture(scope="module")
def bucket(s3):
    s3.create_bucket(Bucket="locked")
    s3.put_object(Bucket="locked", Key="a b/ü+%.txt", Body=b"within")
    return "locked"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_hold_for_what_they_say_and_no_longer(
    aws, ours, bucket, version, monkeypatch
):
    with client_with(aws, "s3", ours, signature_version=version) as s3:
        named = {"Bucket": bucket, "Key": "a b/ü+%.txt"}
        url = s3.generate_presigned_url("get_object", named, ExpiresIn=60)
        put = {"Bucket": bucket, "Key": f"put-{version}", "ContentType": "a/b"}
        put_url = s3.generate_presigned_url("put_object", put)
    got = fetch(url)
    other = fetch(url.replace("%2B", "%2C"))
    as_put = fetch(url, b"theirs", "PUT")
    stored = fetch(put_url, b"body", "PUT", Content_Type="a/b")[0]
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 61)
    late = fetch(url)

    assert (got[0], got[2]) == (200, b"within")
    assert stored == 200
    assert other[0] == as_put[0] == late[0] == 403
    assert b"SignatureDoesNotMatch" in other[2]
    assert b"Request has expired" in late[2]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("X-Amz-Copy-Source", "locked/a%20b/%C3%BC%2B%25.txt"),
        ("X-Amz-Acl", "public-read"),
        ("X-Amz-Tagging", "a=b"),
    ],
)
def test_a_presigned_url_does_only_what_was_signed(aws, ours, s3, bucket, name, text):
    put = {"Bucket": bucket, "Key": "only-this"}
    with client_with(aws, "s3", ours, signature_version="s3v4") as signing:
        url = signing.generate_presigned_url("put_object", put)
    refused = fetch(url, b"", "PUT", **{name: text})
    there = s3.list_objects_v2(Bucket=bucket, Prefix="only-this")

    assert refused[0] == 403
    assert b"<Code>AccessDenied</Code>" in refused[2]
    assert b"headers present in the request which were not signed" in refused[2]
    assert there["KeyCount"] == 0


@pytest.mark.parametrize("more", ["retention", "legal-hold", "list-type=2", "%61cl"])
def test_a_presigned_url_of_version_2_takes_no_other_parameters(
    aws, ours, bucket, more
):
    named = {"Bucket": bucket, "Key": "a b/ü+%.txt", "ResponseContentType": "a/b"}
    with client_with(aws, "s3", ours, signature_version="s3") as s3:
        url = s3.generate_presigned_url("get_object", named)
    name, _, text = more.partition("=")
    refused = fetch(f"{url}&{more}", **{name: text})

    assert fetch(url)[::2] == (200, b"within")
    assert refused[0] == 403
    assert b"<Code>AccessDenied</Code>" in refused[2]


def test_an_object_that_is_not_the_one_signed_is_not_stored(aws, s3, ours, bucket):
    url = f"{aws.endpoint_url}/{bucket}/tampered"
    headers = headers_signed(ours, "PUT", url, b"signed", service="s3")
    refused = fetch(url, b"forged", "PUT", **headers)
    there = s3.list_objects_v2(Bucket=bucket, Prefix="tampered")

    assert refused[0] == 400
    assert b"XAmzContentSHA256Mismatch" in refused[2]
    assert there["KeyCount"] == 0
    assert fetch(url, b"signed", "PUT", **headers)[0] == 200
