"""Types that first bytes show, and whether they are the one expected."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fetcher.transfer.content.file_types import SNIFFED_BYTES, agrees, type_of
from origin.picture import jpeg


def drawn(form):
    file = io.BytesIO()
    Image.new("RGB", (24, 24), "red").save(file, form)
    return file.getvalue()


def iso(brand, *others):
    size = (16 + 4 * len(others)).to_bytes(4, "big")
    return b"".join((size, b"ftyp", brand, bytes(4), *others, b"\0\0\0\x08mdat"))


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
COMMENT = b"<!-- Generator: Adobe -->"
TYPES = [
    *((drawn(form), f"image/{form.lower()}") for form in ("JPEG", "PNG", "GIF")),
    *((drawn(form), f"image/{form.lower()}") for form in ("WEBP", "BMP", "TIFF")),
    (drawn("ICO"), "image/vnd.microsoft.icon"),
    (jpeg(1_000), "image/jpeg"),
    (iso(b"avif", b"mif1"), "image/avif"),
    (iso(b"mif1", b"miaf", b"avif"), "image/avif"),
    (iso(b"mif1", b"heic"), "image/heic"),
    (iso(b"heix"), "image/heic"),
    (iso(b"isom", b"avc1"), "video/mp4"),
    (SVG, "image/svg+xml"),
    (b'\xef\xbb\xbf<?xml version="1.0"?>\n' + COMMENT + SVG, "image/svg+xml"),
    (b"<!DOCTYPE svg PUBLIC>" + SVG, "image/svg+xml"),
    (b'<svg:svg xmlns:svg="">', "image/svg+xml"),
    (b"<!DOCTYPE html>", "text/html"),
    (b"\n\n <html lang=en>", "text/html"),
    (COMMENT + b"<HEAD><title>Parked</title>", "text/html"),
    (b'<?xml version="1.0"?><html xmlns="">', "text/html"),
    ("\ufeff<!doctype html>".encode("utf-16-le"), "text/html"),
    (b'<?xml version="1.0"?><Error><Code>AccessDenied', "text/xml"),
    (b"%PDF-1.7\n", "application/pdf"),
    (b"PK\3\4" + bytes(9), "application/zip"),
    (b"BMW recalls its cars", "text/plain"),
    (b'{"error": "not found"}', "text/plain"),
    (b"Not found", "text/plain"),
    (b"\xff\xd8", "text/plain"),
    (b"\x01\x02\x03", ""),
    (b"", ""),
]


@pytest.mark.parametrize(("body", "kind"), TYPES, ids=lambda one: str(one)[:24])
def test_first_bytes_show_a_type(body, kind):
    assert type_of(body[:SNIFFED_BYTES]) == kind


@given(st.binary(max_size=80) | st.text("<!?->sv html\n", max_size=60).map(str.encode))
def test_any_bytes_have_a_type_or_none(start):
    assert type_of(start) == "" or "/" in type_of(start)


@pytest.mark.parametrize(
    ("expected", "told", "found"),
    [
        ("image/", "image/jpeg", "image/png"),
        ("image/", "application/octet-stream", "image/jpeg"),
        ("image", "binary/octet-stream", "image/jpeg"),
        ("image/", "text/plain", "image/png"),
        ("IMAGE/", "", "image/webp"),
        ("image/jpg", "image/jpg", "image/jpeg"),
        ("image/", "image/x-new", ""),
        ("image/svg", "image/svg+xml; charset=utf-8", "text/xml"),
        ("application/xhtml", "application/xhtml+xml", "text/html"),
        ("application/epub", "application/epub+zip", "application/zip"),
        ("audio/", "audio/mp4", "video/mp4"),
        ("text/csv", "text/csv", "text/plain"),
    ],
)
def test_a_body_is_what_its_bytes_or_else_its_header_say(expected, told, found):
    assert agrees(expected, told, found)


@pytest.mark.parametrize(
    ("expected", "told", "found"),
    [
        ("image/", "image/jpeg", "text/html"),
        ("image/", "image/svg+xml", "text/html"),
        ("image/", "image/x-new", "text/plain"),
        ("image/", "image/gif", ""),
        ("image/", "image/gif", "application/zip"),
        ("image/", "image/avif", "video/mp4"),
        ("image/png", "image/png", "image/jpeg"),
        ("image/", "application/octet-stream", ""),
        ("text/csv", "text/csv", "text/html"),
    ],
)
def test_a_header_that_the_bytes_belie_is_not_believed(expected, told, found):
    assert not agrees(expected, told, found)
