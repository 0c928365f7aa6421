"""Every engine, against an origin that misbehaves."""

import time

import pytest
from tests.support import engine_jobs
from tests.support.engine_jobs import SOON_S, files_below
from tests.support.misbehaving_origin import Origin, closed_port, full_port, sentence

from fetcher.contract.options import ENGINES
from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item

IMAGE = {"expect_type": "image/"}


@pytest.fixture(params=ENGINES)
def fetch(request, tmp_path):
    """Return a function that fetches URLs into tmp_path and returns what became."""

    def fetch(*urls, sink=tmp_path, **options):
        return engine_jobs.fetch(request.param, urls, sink, **options)

    return fetch


@pytest.mark.parametrize("many", [0, 1, 1_000, 3_000_000])
def test_a_body_arrives_whole(fetch, origin, many):
    (one,) = fetch(origin.url(f"/bytes/{many}"))

    assert (Outcome.OK, 200, many, 1, "") == (*one[:3], one.attempts, one.detail)
    with open(one.path, "rb") as file:  # noqa: PTH123
        assert file.read() == b"x" * many


@pytest.mark.parametrize(
    ("path", "options", "outcome", "status", "said"),
    [
        ("/status/404", {}, "http_status", 404, "expected status 200, got 404"),
        ("/status/500", {}, "http_status", 500, "expected status 200, got 500"),
        ("/cut/100/50", {}, "cut", 200, "expected 100 bytes, got 50"),
        ("/cut-chunked", {}, "cut", 200, "ended early"),
        ("/reset/10", {}, "cut", 200, "expected 1,000,000 bytes, got 10"),
        ("/hang-up", {}, "cut", 0, "closed before an answer came"),
        ("/silence", {"read_timeout_s": 0.2}, "read_timeout", 0, "for 0.2 s"),
        ("/stall", {"read_timeout_s": 0.2}, "read_timeout", 200, "for 0.2 s"),
        ("/silence", {"total_timeout_s": 0.2}, "total_timeout", 0, "within 0.2 s"),
        ("/trickle/99/0.1", {"total_timeout_s": 0.5}, "total_timeout", 200, "0.5 s"),
        ("/endless", {"total_timeout_s": 0.1}, "total_timeout", 200, "within 0.5 s"),
        ("/endless", {"max_bytes": 9_999}, "too_large", 200, "at most 9,999 bytes"),
        ("/bytes/10000", {"max_bytes": 9_999}, "too_large", 200, "got 10,000"),
        ("/type/text%2Fhtml", IMAGE, "wrong_type", 200, "text/html"),
        ("/type/%FF", IMAGE, "wrong_type", 200, "expected a body"),
        ("/loop", {}, "too_many_redirects", 0, "more than 5 times"),
        ("/chain/6", {}, "too_many_redirects", 0, "more than 5 times"),
        ("/not-http", {}, "protocol", 0, "not HTTP"),
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
    (one,) = fetch(origin.url(path), **options)

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
    (one,) = fetch(origin.url("/bad-chunk"), read_timeout_s=0.3, total_timeout_s=60.0)

    assert one.outcome in {Outcome.READ_TIMEOUT, Outcome.PROTOCOL, Outcome.CUT}
    assert one.seconds < SOON_S


def test_a_port_nobody_listens_on_is_told_from_one_that_does_not_answer(fetch):
    with closed_port() as closed, full_port() as full:
        refused, silent = fetch(
            f"http://u:hunter2@127.0.0.1:{closed}/",
            f"http://u:hunter2@127.0.0.1:{full}/",
            connect_timeout_s=0.3,
        )

    assert (refused.outcome, silent.outcome) == ("connect", "connect_timeout")
    assert silent.detail == "no connection within 0.3 s"
    assert "hunter2" not in refused.detail
    assert silent.seconds < SOON_S


def test_a_host_that_cannot_be_a_name_is_no_url(fetch):
    ended = fetch("http://a..b/", f"http://{'a' * 64}.com/", "http://1.2.3.4.5.6/")

    assert [one.outcome for one in ended[:2]] == ["bad_url", "bad_url"]
    assert ended[2].outcome in {"bad_url", "dns"}


@pytest.mark.parametrize("status", [404, 410, 403])
def test_a_final_answer_is_asked_for_once(fetch, origin, status):
    path = f"/retry-after/{status}/0"
    before = len(origin.seen(path))
    (one,) = fetch(origin.url(path), attempts=3)

    assert (one.status, one.attempts) == (status, 1)
    assert len(origin.seen(path)) == before + 1


def test_a_busy_origin_is_asked_again_when_it_said(fetch, origin, request):
    path = f"/heals/{request.node.name}/1"
    (one,) = fetch(origin.url(path), attempts=3)
    first, second, third = (seen.at for seen in origin.seen(path))

    assert (one.outcome, one.attempts) == (Outcome.OK, 3)
    assert second - first >= 1
    assert third - second >= 1


def test_waiting_takes_hardly_any_processor_time(fetch, origin, request):
    """
    Without a socket, libcurl's select() comes back at once.
    """
    before_s = time.process_time()
    (one,) = fetch(origin.url(f"/heals/{request.node.name}/1"), attempts=3)

    assert one.attempts == 3
    assert time.process_time() - before_s < 0.6  # of two seconds


@pytest.mark.parametrize(
    "path", ["/target/a%2Fb%41~?q=%2C%3a+%20", "/target/a'(b);=,!*"]
)
def test_the_origin_is_asked_for_the_very_url_of_the_list(fetch, origin, path):
    """
    A signed URL is void if a single escape is written another way.
    """
    fetch(origin.url(path))

    assert origin.requests[-1].path == path


def test_a_url_beyond_ascii_is_encoded(fetch, origin):
    fetch(origin.url("/target/ä"))

    assert origin.requests[-1].path == "/target/%C3%A4"


def test_an_origin_can_see_who_asks(fetch, origin):
    fetch(origin.url("/bytes/1"), contact="me@example.org")
    headers = origin.requests[-1].headers

    assert headers["user-agent"].startswith("million-downloads/")
    assert "me@example.org" in headers["user-agent"]
    assert headers["accept-encoding"] == "identity"


def test_connections_stay_within_their_number_and_are_used_again(fetch, tmp_path):
    with Origin() as origin:
        ended = fetch(
            *(Item(n, origin.url(f"/bytes/10/{n}")) for n in range(200)), connections=4
        )

    assert {one.outcome for one in ended} == {Outcome.OK}
    assert len(files_below(tmp_path)) == 200
    assert origin.connections <= 4
