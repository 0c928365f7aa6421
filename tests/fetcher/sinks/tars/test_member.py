"""What stands around a body in a tar: what `tarfile` would write."""

import errno
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.contract.source import Item
from fetcher.sinks.tars.member import header, member_of
from fetcher.transfer.sink import WHOLE


@given(
    st.text("abcXYZ019._-", min_size=1, max_size=100),
    st.integers(0, 8**11 - 1),
)
def test_headers_are_those_that_tarfile_writes(name, size):
    theirs = tarfile.TarInfo(name)
    theirs.size = size

    assert header(name, size) == theirs.tobuf(tarfile.USTAR_FORMAT)


def test_a_body_too_large_for_a_header_is_an_error_of_the_sink():
    with pytest.raises(OSError, match="a tar's header can say 8,589,934,591") as caught:
        member_of(Item(0, "http://h/0"), 8**11, WHOLE)
    assert caught.value.errno == errno.EFBIG


def test_a_secret_in_a_url_is_not_kept_with_its_body():
    member = member_of(Item(7, "http://u:hunter2@h/a.png?sig=hunter3&n=1"), 0, WHOLE)

    assert '"http://***@h/a.png?sig=***&n=1"' in member.fields
    assert b"hunter" not in member.tail


@pytest.mark.parametrize(
    ("url", "destination", "kind", "name"),
    [
        ("http://h/a.PNG", "", "", "000000007.png"),
        ("http://h/a.php?b=c.gif", "", "image/jpeg", "000000007.jpg"),
        ("http://h/a.png", "", "application/octet-stream", "000000007.png"),
        ("http://h/a.png", "b.webp", "", "000000007.webp"),
        ("http://h/data.json", "", "", "000000007.body.json"),
        ("http://h/data", "", "application/json; charset=utf-8", "000000007.body.json"),
        ("http://h/.hidden", "", "", "000000007.bin"),
        ("http://h/a.überlang", "", "", "000000007.bin"),
        ("http://h/a.far-too-long-to-be-one", "", "", "000000007.bin"),
        ("http://h.com", "", "", "000000007.bin"),
    ],
)
def test_a_body_is_called_after_its_number_and_its_type(url, destination, kind, name):
    """
    All before the first dot is the key of a WebDataset; the JSON has the place .json.
    """
    download = WHOLE._replace(content_type=kind)
    assert member_of(Item(7, url, destination), 5, download).name == name
