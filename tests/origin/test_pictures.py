"""Pictures: real JPEGs of exactly the size asked for."""

import io
from bisect import bisect_left

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from origin import jpeg, picture


@given(st.integers(1_000, 400_000))
@example(1_000)
@example(1_001)
@example(1_700_000)
@example(50_000_000)
def test_a_picture_has_the_exact_size_and_decodes_whole(size_bytes):
    """
    Sizes are what experiments vary; a file that only looks like a JPEG would make
    whoever decodes the downloads doubt the downloader.
    """
    data = jpeg(size_bytes)

    assert size_bytes == len(data)
    assert data.endswith(b"\xff\xd9")
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        image.load()
        assert len(set(image.convert("L").tobytes())) > 50


def test_noise_leaves_room_for_padding_where_it_is_scarcest():
    """A Pillow that compresses less well would break a few sizes, and only those."""
    sizes = range(1_000, 400_000)
    scarcest = [
        sizes[bisect_left(sizes, side, key=picture._side)]
        for side in range(16, 500, 16)
    ]

    assert [len(jpeg(size_bytes)) for size_bytes in scarcest] == scarcest


def test_a_picture_grows_with_its_size():
    sides = [
        Image.open(io.BytesIO(jpeg(size_bytes))).width
        for size_bytes in (1_000, 10_000, 100_000, 1_000_000)
    ]

    assert sorted(set(sides)) == sides


def test_a_picture_is_the_same_each_time():
    """Checksums can be worked out once, anywhere."""
    assert jpeg(20_000) == jpeg(20_000)


@pytest.mark.parametrize("size_bytes", [-1, 0, 999, 50_000_001])
def test_a_size_out_of_range_is_refused_with_the_range(size_bytes):
    with pytest.raises(ValueError, match=r"from 1,000 to 50,000,000") as refusal:
        jpeg(size_bytes)

    assert f"{size_bytes:,} bytes" in str(refusal.value)
