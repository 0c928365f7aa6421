"""Places in S3: which there can be, and where requests about them go."""

import pytest

from fetcher.s3.urls import Place, address_of, place_of, prefix_of


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://photos", "names a bucket and no key"),
        ("s3://photos/", "names a bucket and no key"),
        ("s3://evil.com#/a", "The bucket is 'evil.com#'"),
        ("s3://me@evil/a", r"The bucket is '\*\*\*@evil'"),
        ("s3://a..b/c", "The bucket is 'a..b'"),
        ("s3://ab/c", "The bucket is 'ab'; it must have 3 to 63"),
        ("s3:///c", "The bucket is ''"),
        ("s3://photos/" + "é" * 513, "The key has 1,026 bytes; S3 takes 1,024"),
        ("http://photos/a", "is no place in S3"),
    ],
)
def test_what_is_no_place_in_s3_is_refused_with_the_reason(url, said):
    with pytest.raises(ValueError, match=said):
        place_of(url)


@pytest.mark.parametrize(
    ("region", "endpoint_url", "address"),
    [
        ("eu-west-1", "", "https://photos.s3.eu-west-1.amazonaws.com/a/b"),
        ("cn-north-1", "", "https://photos.s3.cn-north-1.amazonaws.com.cn/a/b"),
        ("eu-west-1", "http://127.0.0.1:9/", "http://127.0.0.1:9/photos/a/b"),
        # No client sends a default port, so none is signed.
        ("eu-west-1", "http://[::1]:80/", "http://[::1]/photos/a/b"),
        ("eu-west-1", "https://h:443", "https://h/photos/a/b"),
        ("eu-west-1", "http://h:443", "http://h:443/photos/a/b"),
    ],
)
def test_requests_go_to_the_bucket_of_the_region_or_to_what_stands_in(
    region, endpoint_url, address
):
    assert address_of(Place("photos", "a/b"), region, endpoint_url) == address


def test_a_slash_at_the_end_is_none_of_a_prefix_but_one_of_a_key():
    """
    There would be keys with two, and a list of what is below would have other names.
    """
    assert prefix_of("s3://photos/kept/").below("1") == Place("photos", "kept/1")
    assert place_of("s3://photos/kept/") == Place("photos", "kept/")


def test_a_key_is_encoded_once_and_stays_where_it_is():
    """
    No key gets out of its bucket, whatever stands in it.
    """
    address = address_of(Place("photos", "../%2F?a#b c"), "eu-west-1", "http://h")

    assert address == "http://h/photos/../%252F%3Fa%23b%20c"
