"""Bodies that travel compressed: only if asked for, inflated as they come, capped."""

import gzip
import hashlib
import zlib

import pytest
from tests.support.engine_jobs import SOON_S, body_of, files_below, run_alone
from tests.support.misbehaving_origin import JPEG, sentence
from tests.support.outcome_tables import unexpected

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
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n"


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


def test_a_compressed_body_is_kept_inflated(fetch, origin):
    answers = [
        answer(encode(BODY), coding, length)
        for coding, encode in (
            *(("gzip", gzip.compress), ("x-gzip", gzip.compress)),
            *(("GZIP", gzip.compress), ("deflate", zlib.compress)),
            ("deflate", raw_deflate),
        )
        for length in (True, False)
    ]
    digest = hashlib.sha256(BODY).hexdigest()
    items = [
        Item(number, origin.saying(raw, "next"), f"{number}", digest)
        for number, raw in enumerate(answers)
    ]
    ended = fetch(items, compressed=True, expect_type="image/")

    assert {one[:3] for one in ended} == {(Outcome.OK, 200, len(BODY))}
    assert {one.detail for one in ended} == {""}
    assert {body_of(one) for one in ended} == {BODY}
    for request in origin.requests[-len(items) :]:
        assert "gzip" in request.headers["accept-encoding"]


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress, raw_deflate])
def test_a_body_inflates_byte_by_byte(encode):
    """
    What it begins with tells how it is deflated, and need not come at once.
    """
    inflater = inflater_for("deflate", "")
    pieces = [one for byte in encode(BODY) for one in inflater.feed(bytes([byte]))]

    assert b"".join(pieces) == BODY
    assert inflater.is_whole


def test_an_encoding_that_nobody_asked_for_is_undone_all_the_same(fetch, origin):
    items, bodies = [], []
    for size in (20_000, 3 * MB):
        whole = BODY.ljust(size, b"x")
        digest = hashlib.sha256(whole).hexdigest()
        for length in (True, False):
            url = origin.saying(answer(gzip.compress(whole), length=length), "next")
            items.append(Item(len(items), url, f"{len(items)}", digest))
            bodies.append(whole)
    plain = Item(len(items), origin.url("/bytes/3"), "plain")
    ended = fetch([*items, plain], connections=1)

    assert {one.outcome for one in ended} == {Outcome.OK}
    assert [body_of(one) for one in ended] == [*bodies, b"xxx"]
    assert [one.body_bytes for one in ended] == [*map(len, bodies), 3]
    assert origin.requests[-1].headers["accept-encoding"] == "identity"


def test_an_archive_that_is_said_to_be_encoded_is_kept_as_it_is(fetch, origin):
    """
    Origins say of x.tar.gz that it is gzip, and encoded as gzip: it is so once.
    """
    body = gzip.compress(BODY)
    raw = answer(body).replace(b"image/jpeg", b"application/x-gzip")
    (one,) = fetch([origin.saying(raw, "next")])

    assert (one.outcome, body_of(one)) == (Outcome.OK, body)
    assert one.found_type == "application/gzip"


@pytest.mark.parametrize("compressed", [False, True])
def test_what_comes_encoded_and_cannot_be_decoded_is_not_kept(
    fetch, origin, tmp_path, compressed
):
    """
    Whoever asked for the file inflated would not know it was not.
    """
    whole = gzip.compress(BODY)
    ended = fetch(
        [
            origin.saying(answer(body, coding), "next")
            for coding in ("gzip", "br", "odd")
            for body in (whole[:-9], whole + b"what follows")
        ],
        compressed=compressed,
    )

    assert {one.outcome for one in ended} <= {Outcome.PROTOCOL, Outcome.CUT}
    for one in ended:
        assert sentence(one.detail)
        assert not one.detail.endswith(":")
        assert "not HTTP" not in one.detail
    assert files_below(tmp_path) == []


def test_a_body_that_was_not_compressed_is_fine_with_the_option(fetch, origin):
    urls = [origin.url("/bytes/3"), origin.saying(answer(b"xyz", "identity"))]
    ended = fetch(urls, compressed=True)

    assert [body_of(one) for one in ended] == [b"xxx", b"xyz"]


def test_what_does_not_inflate_is_not_kept_nor_a_bomb(fetch_beside, origin):
    """
    1 MB that would inflate to 1 GB is stopped at the cap.
    """
    whole = gzip.compress(BODY)
    bad = {
        "no checksum": (whole[:-8], "cut protocol"),
        "half a checksum": (whole[:-5], "cut protocol"),
        "only a start": (whole[:50], "cut protocol"),
        "nothing": (b"", "ok"),  # there is nothing in it to inflate
        "another checksum": (whole[:-8] + bytes(8), "cut protocol"),
        "no gzip": (b"xyz", "cut protocol"),
        "no deflate": (whole[:10] + b"\xff" * 99, "cut protocol"),
    }
    answers = {
        (what, length): (answer(body, length=length), outcomes)
        for length in (True, False)
        for what, (body, outcomes) in bad.items()
    }
    answers["cut"] = answer(whole)[:-9], "cut"
    answers["cut in a chunk"] = answer(whole, length=False)[:-9], "cut"
    answers["a bomb"] = answer(bomb(1_000 * MB)), "too_large"
    ended = fetch_beside(
        [origin.saying(raw) for raw, _ in answers.values()],
        compressed=True,
        max_bytes=2 * MB,
    )
    table = {what: outcomes for what, (_, outcomes) in answers.items()}

    assert unexpected(table, ended) == {}
    assert ended[-1].body_bytes < 8 * MB
    assert ended[-1].seconds < SOON_S


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
