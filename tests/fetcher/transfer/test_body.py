"""One body checked on its way into a sink."""

import hashlib

import pytest
from tests.support.full_disk import no_file_larger_than

from fetcher.contract.options import Options
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.sinks.directory import Directory
from fetcher.sinks.discard import Discard
from fetcher.transfer.body import Body
from fetcher.transfer.refused_response import RefusedError

XYZ = hashlib.sha256(b"xyz").hexdigest()


def body(sink=None, sha256="", **options):
    item = Item(0, "http://h/a", "a", sha256)
    return Body(item, sink or Discard(), Options(**options))


def pass_through(body, *chunks, status=200, kind="image/jpeg", promised=None):
    """Do as an engine does."""
    try:
        body.begin(status, kind, promised)
        for chunk in chunks:
            body.write([chunk])
        return body.finish()
    finally:
        body.discard()


@pytest.mark.parametrize("chunks", [[], [b"xyz"], [b"x", b"", b"yz"]])
def test_a_whole_body_is_kept_and_counted(tmp_path, chunks):
    many = len(b"".join(chunks))
    ending = pass_through(body(Directory(tmp_path)), *chunks, promised=many)

    assert (Outcome.OK, 200, many) == ending[:3]
    assert (tmp_path / "a").read_bytes() == b"".join(chunks)


@pytest.mark.parametrize("sha256", [XYZ, XYZ.upper()])
def test_a_body_with_the_digest_wanted_is_kept(sha256):
    assert pass_through(body(sha256=sha256), b"x", b"yz").outcome is Outcome.OK


IMAGE = {"expect_type": "image/"}
TWO = {"max_bytes": 2}
DIGEST = {"sha256": "0" * 64}


@pytest.mark.parametrize(
    ("options", "chunks", "head", "outcome", "said"),
    [
        ({}, [], {"status": 404}, "http_status", "expected status 200, got 404"),
        ({}, [], {"status": 206}, "http_status", "expected status 200, got 206"),
        (IMAGE, [b"<html>"], {}, "wrong_type", "got text/html, sent as image/jpeg"),
        (
            IMAGE,
            [b"\1\2"],
            {"kind": ""},
            "wrong_type",
            "with 01 02, sent without a type",
        ),
        (IMAGE, [], {}, "wrong_type", "of type image/, got nothing, sent as"),
        (TWO, [], {"promised": 3}, "too_large", "expected at most 2 bytes, got 3"),
        (TWO, [b"xy", b"z"], {}, "too_large", "expected at most 2 bytes, got 3"),
        ({}, [b"xy"], {"promised": 3}, "cut", "ended early"),
        (DIGEST, [b"xyz"], {}, "checksum", f"expected sha256 {'0' * 64}, got {XYZ}"),
    ],
)
def test_a_body_that_is_not_what_was_asked_for_is_refused(
    tmp_path, options, chunks, head, outcome, said
):
    with pytest.raises(RefusedError, match=said) as refusal:
        pass_through(body(Directory(tmp_path), **options), *chunks, **head)

    assert refusal.value.outcome == outcome
    assert list(tmp_path.iterdir()) == []


def test_a_body_as_large_as_allowed_is_kept_and_its_type_told():
    """
    The type wanted is compared without regard to case.
    """
    png = b"\x89PNG\r\n\x1a\n"
    receiver = body(expect_type="Image/", max_bytes=len(png))
    ending = pass_through(receiver, png, kind="IMAGE/png; q=1", promised=len(png))

    assert (ending.outcome, ending.path) == (Outcome.OK, "")
    assert (ending.content_type, ending.found_type) == ("IMAGE/png; q=1", "image/png")


def test_a_failed_body_leaves_nothing_and_says_how_much_came(tmp_path):
    failing = body(Directory(tmp_path))
    failing.begin(200, "image/jpeg", 1_000)
    failing.write([b"xyz"])
    ending = failing.fail(Outcome.CUT, "the connection broke")

    assert ending.detail == "expected 1,000 bytes, got 3: the connection broke"
    assert (ending.status, ending.body_bytes) == (200, 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("two\r\n  lines", "two lines"),
        ("\x1b[31mred\udcff", "?[31mred?"),
        ("y" * 500, "y" * 197 + "..."),
        ("no http://user:hunter2@h/ here", "no http://***@h/ here"),
    ],
)
def test_a_detail_is_one_line_that_prints_whatever_the_origin_sent(detail, told):
    """
    Details go to terminals, tables and reports of limited size.
    """
    assert body().fail(Outcome.PROTOCOL, detail).detail == told


@pytest.mark.parametrize("taken", ["a", "a.part", ""])
def test_a_sink_that_fails_is_an_outcome_not_a_crash(tmp_path, taken):
    (tmp_path / taken).mkdir(exist_ok=not taken)
    most = 2 if not taken else 3
    said = f"could not keep the body at .*{taken}" if taken else "File too large"

    with (
        no_file_larger_than(most),
        pytest.raises(RefusedError, match=said) as refusal,
    ):
        pass_through(body(Directory(tmp_path)), b"xyz")
    assert refusal.value.outcome is Outcome.SINK
