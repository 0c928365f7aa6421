"""Every engine, against an origin that misbehaves."""

import time

import pytest
from tests.support.engine_jobs import SOON_S, body_of, files_below
from tests.support.misbehaving_origin import CHUNKED, Origin, sentence

from fetcher.contract.outcome import Outcome


@pytest.mark.parametrize("many", [0, 1, 1_000, 3_000_000])
def test_a_body_arrives_whole(fetch, origin, many):
    (one,) = fetch([origin.url(f"/bytes/{many}")])

    assert (Outcome.OK, 200, many, 1, "") == (*one[:3], one.attempts, one.detail)
    assert body_of(one) == b"x" * many


@pytest.mark.parametrize(
    ("path", "options", "outcome", "status", "said"),
    [
        ("/status/404", {}, "http_status", 404, "expected status 200, got 404"),
        ("/cut/100/50", {}, "cut", 200, "expected 100 bytes, got 50"),
        ("/reset/10", {}, "cut", 200, "expected 1,000,000 bytes, got 10"),
        ("/hang-up", {}, "cut", 0, "closed before an answer came"),
        ("/silence", {"read_timeout_s": 0.2}, "read_timeout", 0, "for 0.2 s"),
        ("/stall", {"read_timeout_s": 0.2}, "read_timeout", 200, "for 0.2 s"),
        ("/silence", {"total_timeout_s": 0.2}, "total_timeout", 0, "within 0.2 s"),
        ("/trickle/99/0.1", {"total_timeout_s": 0.5}, "total_timeout", 200, "0.5 s"),
        ("/endless", {"total_timeout_s": 0.1}, "total_timeout", 200, "within 0.5 s"),
        ("/bytes/10000", {"max_bytes": 9_999}, "too_large", 200, "got 10,000"),
        ("/chain/6", {}, "too_many_redirects", 0, "more than 5 times"),
        ("/to//status/404", {}, "http_status", 404, "expected status 200, got 404"),
        ("/to/ftp://h/", {}, "blocked", 0, "scheme other than http and https"),
        ("/to/file:///etc/passwd", {}, "blocked", 0, "scheme other than http"),
        ("/to/http://169.254.169.254/", {}, "blocked", 0, "link-local"),
        ("/to/http://[::1", {}, "bad_url", 0, "malformed"),
        ("/to/http://u:hunter2@a..b/", {}, "bad_url", 0, "cannot be a name in DNS"),
        ("/to/http://u:hunter2@no.invalid/", {}, "dns", 0, "no address for no.invalid"),
    ],
)
def test_each_way_to_fail_is_told_apart(
    fetch, tmp_path, origin, path, options, outcome, status, said
):
    """
    And leaves no file, whole or not, and no password in what is said.
    """
    began = time.monotonic()
    (one,) = fetch([origin.url(path)], **options)

    assert (outcome, status) == (one.outcome, one.status)
    assert said in one.detail
    assert sentence(one.detail)
    assert "hunter2" not in one.detail
    assert files_below(tmp_path) == []
    assert time.monotonic() - began < SOON_S


def test_a_malformed_chunk_in_a_body_does_not_take_the_total_timeout(fetch, origin):
    """
    aiohttp 3.14 tells nobody that its parser gave up.
    """
    url = origin.saying([CHUNKED + b"3\r\nxyz\r\n", b"many\r\nx"])
    (one,) = fetch([url], read_timeout_s=0.3, total_timeout_s=60.0)

    assert one.outcome in {Outcome.READ_TIMEOUT, Outcome.PROTOCOL, Outcome.CUT}
    assert one.seconds < SOON_S


def test_the_origin_is_asked_for_the_very_url_of_the_list(fetch, origin):
    """
    A signed URL is void if a single escape is written another way. What is not ASCII
    has to be encoded.
    """
    asked = {
        "/target/a%2Fb%41~?q=%2C%3a+%20": "/target/a%2Fb%41~?q=%2C%3a+%20",
        "/target/a'(b);=,!*": "/target/a'(b);=,!*",
        "/target/ä": "/target/%C3%A4",
    }
    ended = fetch(map(origin.url, asked))

    assert [body_of(one).decode() for one in ended] == list(asked.values())


def test_an_origin_can_see_who_asks(fetch, origin):
    fetch([origin.url("/bytes/1")], contact="me@example.org")
    headers = origin.requests[-1].headers

    assert headers["user-agent"].startswith("million-downloads/")
    assert "me@example.org" in headers["user-agent"]
    assert headers["accept-encoding"] == "identity"


def test_connections_stay_within_their_number_and_are_used_again(fetch, tmp_path):
    with Origin() as origin:
        urls = [origin.url(f"/bytes/10/{n}") for n in range(200)]
        ended = fetch(urls, connections=4)

    assert {one.outcome for one in ended} == {Outcome.OK}
    assert len(files_below(tmp_path)) == 200
    assert origin.connections <= 4
