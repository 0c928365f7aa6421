"""Requests to S3: tried again while that may help, given up in time, told apart."""

import threading
from contextlib import closing
from time import monotonic

import pytest
from tests.support.bare_server import BareServer, closed_port, silence
from tests.support.certificates import Authority
from tests.support.engine_jobs import SOON_S
from tests.support.misbehaving_origin import Origin
from tests.support.s3_proxy import DENIED, HANG_UP, SLOW_DOWN, WAIT_S, always
from tests.support.signed_requests import account_at

from fetcher.s3 import connection as module
from fetcher.s3.connection import Connection
from fetcher.s3.errors import LateError, S3Error
from fetcher.s3.urls import Place

pytestmark = pytest.mark.usefixtures("endpoint")  # which sets the keys


@pytest.fixture
def place(bucket):
    return Place(bucket, "a")


def connected(url, stopped=None):
    return closing(Connection(account_at(url), stopped))


def soon():
    return monotonic() + WAIT_S


def refused(url, place, left_s=WAIT_S, stopped=None):
    """Ask for an object; return why it was not to be had."""
    with connected(url, stopped) as connection, pytest.raises(S3Error) as caught:
        connection.request("GET", place, until=monotonic() + left_s)
    return caught.value


@pytest.mark.parametrize("fault", [SLOW_DOWN, HANG_UP])
def test_at_the_deadline_it_is_said_what_was_wrong_until_then(proxy, place, fault):
    """
    But not what a request was signed with.
    """
    proxy.fault = always("GetObject", fault)
    began = monotonic()
    error = refused(proxy.url, place, left_s=1.5)

    assert monotonic() - began < SOON_S
    assert len(proxy.asked) > 1
    assert isinstance(error, LateError)
    assert error.filename == str(place)
    assert "not done at the deadline; at last: S3" in error.strerror
    assert "X-Amz" not in str(error)


class FallsSilent(BareServer):
    async def _photos(self, writer, *_):
        if len(self.requests) > 1:
            await silence(writer)
        await self._send(writer, 503, b"<Error><Code>SlowDown</Code></Error>")


def test_a_try_that_the_deadline_cut_hides_no_earlier_reason():
    with FallsSilent() as server:
        error = refused(server.url(""), Place("photos", "a"), left_s=1.5)

    assert isinstance(error, LateError)
    assert "SlowDown" in error.strerror
    assert len(server.requests) > 1


def test_what_fails_for_long_is_given_up_before_the_deadline(proxy, place, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 0.5)
    proxy.fault = always("GetObject", SLOW_DOWN)
    began = monotonic()
    error = refused(proxy.url, place)

    assert monotonic() - began < SOON_S
    assert not isinstance(error, LateError)
    assert error.code == "SlowDown"


def test_what_s3_refuses_is_not_asked_again(proxy, place):
    proxy.fault = always("GetObject", DENIED)
    error = refused(proxy.url, place)

    assert (error.code, error.status) == ("AccessDenied", 403)
    assert error.is_hopeless
    assert len(proxy.asked) == 1


def test_permissions_that_are_not_known_yet_are_waited_for_once(
    proxy, place, monkeypatch
):
    """
    The first execution may come before what a deployment allowed is known everywhere.
    """
    monkeypatch.setattr(module, "_ALLOWED_WITHIN_S", WAIT_S)
    monkeypatch.setattr(Connection, "_was_allowed", False)
    proxy.fault = lambda _: DENIED if len(proxy.asked) <= 2 else None
    with connected(proxy.url) as connection:
        connection.request("PUT", place, body=b"xyz", until=soon())
        assert len(proxy.asked) == 3

    proxy.fault = always("GetObject", DENIED)
    assert refused(proxy.url, place).code == "AccessDenied"
    assert len(proxy.asked) == 4


def test_permissions_that_stay_unknown_are_denied_in_the_end(proxy, place, monkeypatch):
    monkeypatch.setattr(module, "_ALLOWED_WITHIN_S", 2)
    monkeypatch.setattr(Connection, "_was_allowed", False)
    proxy.fault = always("GetObject", DENIED)

    assert refused(proxy.url, place).is_hopeless
    assert len(proxy.asked) > 1


def test_if_nobody_is_there_that_is_said(place):
    with closed_port() as port:
        error = refused(f"http://127.0.0.1:{port}", place, left_s=1)

    assert "S3 did not answer: " in error.strerror


def test_silence_counts_as_a_failure(proxy, place, monkeypatch):
    monkeypatch.setattr(module, "_SILENCE_S", 1)
    over = threading.Event()
    left = [True]
    proxy.fault = lambda _: (
        (left and left.pop() and over.wait(WAIT_S) and HANG_UP) or None
    )
    with connected(proxy.url) as connection:
        connection.request("PUT", place, body=b"xyz", until=soon())
    over.set()

    assert len(proxy.asked) == 2


def test_a_bucket_in_another_region_is_said_to_be_there(proxy, place):
    proxy.fault = lambda _: (301, "PermanentRedirect", "eu-west-1")
    error = refused(proxy.url, place)

    assert "bucket is in eu-west-1; the worker has to run there" in error.strerror


def test_an_object_that_looks_like_an_error_is_none(proxy, place):
    content = b"<Error><Code>SlowDown</Code></Error>"
    with connected(proxy.url) as connection:
        connection.request("PUT", place, body=content, until=soon())
        answer = connection.request("GET", place, until=soon())

    assert answer.body == content


def test_a_request_under_way_is_broken_off_when_it_is_to_stop(proxy, place):
    stopped, over = threading.Event(), threading.Event()
    proxy.fault = lambda _: stopped.set() or (over.wait(WAIT_S) and HANG_UP)
    began = monotonic()
    error = refused(proxy.url, place, stopped=stopped)
    over.set()

    assert isinstance(error, LateError)
    assert monotonic() - began < SOON_S


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_certificate_has_to_be_trusted(tmp_path, monkeypatch, is_trusted):
    authority, other = Authority(tmp_path), tmp_path / "other"
    other.mkdir()
    trusted = authority if is_trusted else Authority(other)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.path))
    place = Place("bytes", "3/a")  # three bytes
    with Origin(authority.context()) as server:
        if is_trusted:
            with connected(server.url("")) as connection:
                assert connection.request("GET", place, until=soon()).body == b"xxx"
        else:
            error = refused(server.url(""), place, left_s=2)
            assert "certificate" in error.strerror


class IsElsewhere(BareServer):
    async def _photos(self, writer, *_):
        code = "AuthorizationQueryParametersError"
        message = "the region 'us-east-1' is wrong; expecting 'eu-west-1'"
        body = f"<Error><Code>{code}</Code><Message>{message}</Message>"
        body += "<Region>eu-west-1</Region></Error>"
        await self._send(writer, 400, body.encode())


def test_a_region_that_was_signed_wrongly_is_corrected_as_s3_says():
    """
    S3 reads the region from the query, before it looks for the bucket.
    """
    with IsElsewhere() as server:
        error = refused(server.url(""), Place("photos", "a"))

    assert "bucket is in eu-west-1; the worker has to run there" in error.strerror
    assert error.is_hopeless


def test_a_request_after_the_deadline_names_no_reason_but_that(proxy, place):
    error = refused(proxy.url, place, left_s=0)

    assert error.strerror == "not done at the deadline"
