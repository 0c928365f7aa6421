"""First bytes that belie a type."""

import pytest

from fetcher.transfer.file_types import SNIFFED_BYTES, mismatch
from origin.picture import jpeg


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("image/jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"),
        ("IMAGE/PNG; q=1", b"\x89PNG\r\n\x1a\n\0\0\0\r"),
        ("image/webp", b"RIFF\x10\0\0\0WEBP"),
        ("image/avif", b"\0\0\0\x1cftypavif"),
        ("image/svg+xml", b"<svg xmlns=x"),
        ("image/x-made-up", b"whatever"),
        ("text/html", b"<!DOCTYPE html>"),
        ("application/xhtml+xml", b"<html xmlns="),
    ],
)
def test_a_body_that_looks_like_its_type_is_believed(kind, start):
    assert mismatch(kind, start) == ""


@pytest.mark.parametrize(
    ("kind", "start", "looks"),
    [
        ("image/jpeg", b"<!doctype ht", "an HTML page"),
        ("image/x-made-up", b"<HTML><head>", "an HTML page"),
        ("image/jpeg", b"GIF89a\1\0\1\0\0\0", "image/gif"),
        ("image/png", b"RIFF\x10\0\0\0WEBP", "image/webp"),
        ("image/jpeg", b"not found", "something that starts with 6e 6f 74"),
        ("image/jpeg", b"", "nothing"),
        ("image/jpeg", b"\xff\xd8", "something that starts with ff d8"),
    ],
)
def test_a_body_that_looks_like_something_else_is_found_out(kind, start, looks):
    assert mismatch(kind, start).startswith(looks)


def test_the_origin_s_own_pictures_are_believed():
    assert mismatch("image/jpeg", jpeg(1_000)[:SNIFFED_BYTES]) == ""
