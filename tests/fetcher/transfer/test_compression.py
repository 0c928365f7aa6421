"""Bodies that travel compressed: only if asked for, inflated as they come, capped."""

import gzip
import hashlib
import zlib

import pytest
from tests.support.engine_jobs import (
    body_of,
    fetch,
    fetch_beside_good_ones,
    files_below,
    run_alone,
)
from tests.support.misbehaving_origin import JPEG, sentence

from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item
from fetcher.transfer.content.inflate import inflater_for

MB = 10**6
BODY = JPEG.ljust(20_000, b"x")


def answer(body, coding="gzip", length=True):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Encoding: "
    head += coding.encode() + b"\r\n"
    if length:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk


def bomb(inflated_bytes):
    """Return a gzip body of so many zeros, in a thousandth of the room."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(bytes(MB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    start = gzip.compress(b"")[:10]
    end = b"\x03\x00" + bytes(4) + (inflated_bytes % 2**32).to_bytes(4, "little")
    return start + block * (inflated_bytes // MB) + end


def raw_deflate(body):
    """Deflate a body as some origins do, which leave out the header of zlib."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(body) + deflate.flush()


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        *(("gzip", gzip.compress), ("x-gzip", gzip.compress), ("GZIP", gzip.compress)),
        *(("deflate", zlib.compress), ("deflate", raw_deflate)),
    ],
)
@pytest.mark.parametrize("length", [True, False])
def test_a_compressed_body_is_kept_inflated(
    engine, origin, tmp_path, coding, encode, length
):
    url = origin.saying(answer(encode(BODY), coding, length), "next")
    item = Item(0, url, "a", hashlib.sha256(BODY).hexdigest())
    (one,) = fetch(engine, [item], tmp_path, compressed=True, expect_type="image/")
    accepted = origin.requests[-1].headers["accept-encoding"]

    assert "gzip" in accepted
    assert (one.outcome, one.detail, one.body_bytes) == (Outcome.OK, "", len(BODY))
    assert body_of(one) == BODY


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress, raw_deflate])
def test_a_body_inflates_byte_by_byte(encode):
    """
    What it begins with tells how it is deflated, and need not come at once.
    """
    inflater = inflater_for("deflate", "")
    pieces = [one for byte in encode(BODY) for one in inflater.feed(bytes([byte]))]

    assert b"".join(pieces) == BODY
    assert inflater.is_whole


@pytest.mark.parametrize("size", [20_000, 3 * MB])
@pytest.mark.parametrize("length", [True, False])
def test_an_encoding_that_nobody_asked_for_is_undone_all_the_same(
    engine, origin, tmp_path, length, size
):
    whole = BODY.ljust(size, b"x")
    raw = answer(gzip.compress(whole), length=length)
    item = Item(0, origin.saying(raw, "next"), "a", hashlib.sha256(whole).hexdigest())
    plain = Item(1, origin.url("/bytes/3"), "b")
    encoded, good = fetch(engine, [item, plain], tmp_path, connections=1)

    assert origin.requests[-1].headers["accept-encoding"] == "identity"
    assert (encoded.outcome, encoded.body_bytes) == (Outcome.OK, size)
    assert (body_of(encoded), body_of(good)) == (whole, b"xxx")


def test_an_archive_that_is_said_to_be_encoded_is_kept_as_it_is(
    engine, origin, tmp_path
):
    """
    Origins say of x.tar.gz that it is gzip, and encoded as gzip: it is so once.
    """
    body = gzip.compress(BODY)
    raw = answer(body).replace(b"image/jpeg", b"application/x-gzip")
    (one,) = fetch(engine, [origin.saying(raw, "next")], tmp_path)

    assert (one.outcome, body_of(one)) == (Outcome.OK, body)
    assert one.found_type == "application/gzip"


@pytest.mark.parametrize("more", [b"", b"what follows"])
@pytest.mark.parametrize("coding", ["gzip", "br", "odd"])
def test_what_comes_encoded_and_cannot_be_decoded_is_not_kept(
    engine, origin, tmp_path, coding, more
):
    body = gzip.compress(BODY)[: None if more else -9] + more
    (one,) = fetch(engine, [origin.saying(answer(body, coding), "next")], tmp_path)

    assert one.outcome in {Outcome.PROTOCOL, Outcome.CUT}
    assert sentence(one.detail)
    assert not one.detail.endswith(":")
    assert "not HTTP" not in one.detail
    assert files_below(tmp_path) == []


def test_a_body_that_was_not_compressed_is_fine_with_the_option(
    engine, origin, tmp_path
):
    urls = [origin.url("/bytes/3"), origin.saying(answer(b"xyz", "identity"))]
    ended = fetch(engine, urls, tmp_path, compressed=True)

    assert [body_of(one) for one in ended] == [b"xxx", b"xyz"]


def test_what_does_not_inflate_is_not_kept(engine, origin, tmp_path):
    whole = gzip.compress(BODY)
    bad = {
        "no checksum": whole[:-8],
        "half a checksum": whole[:-5],
        "only a start": whole[:50],
        "nothing": b"",
        "another checksum": whole[:-8] + bytes(8),
        "no gzip": b"xyz",
        "no deflate": whole[:10] + b"\xff" * 99,
    }
    urls = [
        origin.saying(answer(body, length=length))
        for length in (True, False)
        for body in bad.values()
    ]
    ended = fetch_beside_good_ones(engine, origin, urls, tmp_path, compressed=True)

    # An empty body may as well be whole: there is nothing in it to inflate.
    kept = {
        what: str(one.outcome)
        for what, one in zip([*bad, *bad], ended, strict=True)
        if one.outcome not in {Outcome.CUT, Outcome.PROTOCOL}
    }
    assert set(kept) <= {"nothing"}
    assert all(sentence(one.detail) for one in ended if one.detail)


def test_a_compressed_body_that_is_cut_is_told(engine, origin, tmp_path):
    cut = answer(gzip.compress(BODY))[:-9]
    chunked = answer(gzip.compress(BODY), length=False)[:-9]
    urls = [origin.saying(cut), origin.saying(chunked)]
    ended = fetch(engine, urls, tmp_path, compressed=True)

    assert [str(one.outcome) for one in ended] == ["cut", "cut"]
    assert files_below(tmp_path) == []


def test_a_bomb_is_stopped_at_the_cap_beside_99_good_downloads(
    engine, origin, tmp_path
):
    """
    1 MB that would inflate to 1 GB.
    """
    url = origin.saying(answer(bomb(1_000 * MB)))
    (one,) = fetch_beside_good_ones(
        engine, origin, [url], tmp_path, compressed=True, max_bytes=2 * MB
    )

    assert one.outcome is Outcome.TOO_LARGE
    assert one.body_bytes < 8 * MB
    assert one.seconds < 5


MEMORY = """
import json, resource, sys
from pathlib import Path
from tests.support.engine_jobs import fetch

engine, folder, *urls = sys.argv[1:]
for url in urls:
    (one,) = fetch(engine, [url], Path(folder), compressed=True, max_bytes=2_000_000)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([str(one.outcome), peak_kb * 1_024]))
"""


def test_a_bomb_takes_no_memory_to_speak_of(engine, origin, tmp_path):
    """
    Against what fetching a small body has taken before.
    """
    small = origin.saying(answer(gzip.compress(BODY)))
    large = origin.saying(answer(bomb(1_000 * MB)))
    (first, before), (second, after) = run_alone(MEMORY, engine, tmp_path, small, large)

    assert (first, second) == ("ok", "too_large")
    assert after - before < 16 * MB


def test_an_unknown_coding_is_not_passed_off_as_the_body(engine, origin, tmp_path):
    """
    Whoever asked for the file inflated would not know it was not.
    """
    (one,) = fetch(
        engine, [origin.saying(answer(b"xyz", "odd"))], tmp_path, compressed=True
    )

    assert one.outcome is Outcome.PROTOCOL
