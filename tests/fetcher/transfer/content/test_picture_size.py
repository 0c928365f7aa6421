"""Sizes of pictures, told from the beginning of the files that an encoder writes."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fetcher.contract.options import Options
from fetcher.contract.source import Item
from fetcher.sinks.discard import Discard
from fetcher.transfer.body import Body
from fetcher.transfer.content.file_types import type_of
from fetcher.transfer.content.picture_size import PictureSize

SIZE = 301, 17


class Reported(Discard):
    """A sink that keeps nothing, of a run whose report has the sizes of pictures."""

    tells_sizes = True


def encoded(kind, mode="RGB", **options):
    file = io.BytesIO()
    Image.effect_noise(SIZE, 90).convert(mode).save(file, kind, **options)
    return file.getvalue()


PICTURES = {
    "png": encoded("png"),
    "gif": encoded("gif", "P"),
    "bmp": encoded("bmp"),
    "webp lossy": encoded("webp"),
    "webp lossless": encoded("webp", lossless=True),
    "webp with alpha": encoded("webp", "RGBA"),
    "jpeg": encoded("jpeg"),
    "jpeg progressive": encoded("jpeg", progressive=True),
    "jpeg with much before": encoded(
        "jpeg", icc_profile=bytes(150_000), exif=b"Exif\0\0" + bytes(60_000)
    ),
    # A header of OS/2, and rows from the top.
    "bmp old": b"BM" + bytes(12) + b"\x0c\0\0\0" + b"\x2d\x01\x11\0" + bytes(8),
    "bmp top-down": (
        b"BM" + bytes(12) + b"\x28\0\0\0\x2d\x01\0\0\xef\xff\xff\xff" + bytes(40)
    ),
}


@pytest.mark.parametrize("name", PICTURES)
@given(chunk=st.sampled_from([1, 7, 1_445, 16_384, 10**6]))
def test_the_size_of_a_picture_is_told_however_it_arrives(name, chunk):
    data = PICTURES[name]
    body = Body(Item(0, "http://h/"), Reported(), Options())
    body.begin(200, "image/any", len(data))
    for at in range(0, len(data), max(chunk, len(data) // 1_000)):
        body.write([data[at : at + max(chunk, len(data) // 1_000)]])
    download = body.finish()

    assert (download.width, download.height) == SIZE


@given(st.sampled_from(sorted(PICTURES)), st.binary(max_size=40), st.integers(0, 60))
def test_a_broken_picture_has_some_size_or_none(name, noise, at):
    data = PICTURES[name][:at] + noise + PICTURES[name][at:2_000]
    kinds = ("image/jpeg", type_of(data))

    assert all(len(PictureSize(kind, data).size) == 2 for kind in kinds)
