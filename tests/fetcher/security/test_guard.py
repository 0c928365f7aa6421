"""Where the worker may connect to, and what is a URL at all."""

import contextlib
import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.security.guard import (
    BadUrlError,
    BlockedError,
    check_url,
    forbidden,
    guarded_socket,
    host_of,
    plain_host,
)

# 169.254.100.1 is where Lambda has its Runtime API.
METADATA = [
    *("169.254.169.254", "169.254.170.2", "169.254.100.1", "fe80::1"),
    *("fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"),
    *("2002:a9fe:a9fe::1", "fd00:ec2::254", "168.63.129.16", "::ffff:168.63.129.16"),
    *("192.0.0.192", "100.100.100.200", "fd20:ce::254", "fd00:c1::a9fe:a9fe"),
    *("fd00:42::42", "fd00:a9fe:a9fe::1", "fd00:100::100:200"),
]
NO_ONE_HOST = ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1"]
PRIVATE = [
    *("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "10.0.0.1"),
    *("172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "64:ff9b::7f00:1"),
    *("2002:7f00:1::1", "fec0::1", "192.0.0.1", "192.0.0.10"),
]
PUBLIC = ["93.184.215.14", "2606:4700::1111", "64:ff9b::5db8:d70e"]


@pytest.mark.parametrize(
    ("addresses", "by_default", "on_request"),
    [
        (METADATA, "where a cloud keeps its credentials", "credentials"),
        (NO_ONE_HOST, "not the address of one host", "not the address of one host"),
        (PRIVATE, "can set allow_private", ""),
        (PUBLIC, "", ""),
    ],
    ids=["metadata", "no one host", "private", "public"],
)
def test_which_addresses_are_contacted_and_which_on_request(
    addresses, by_default, on_request
):
    for address in addresses:
        for allow_private, said in ((False, by_default), (True, on_request)):
            reason = forbidden(address, allow_private=allow_private)
            assert said in reason if said else not reason, address


@given(st.ip_addresses())
def test_what_is_open_without_permission_is_open_with_it(address):
    if not forbidden(str(address), allow_private=False):
        assert not forbidden(str(address), allow_private=True)


@given(st.ip_addresses(v=4), st.booleans())
def test_wrapping_an_address_in_ipv6_does_not_open_it(address, allow_private):
    plain = forbidden(str(address), allow_private=allow_private)
    number = f"{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"
    wrapped = [f"::ffff:{number}", f"64:ff9b::{number}", f"2002:{number}::1"]

    assert [plain] * 3 == [forbidden(w, allow_private=allow_private) for w in wrapped]


def test_no_socket_is_made_for_a_forbidden_address():
    (info,) = socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)

    with pytest.raises(BlockedError, match=r"127\.0\.0\.1 is not on the public"):
        guarded_socket(allow_private=False)(info)
    guarded_socket(allow_private=True)(info).close()


def test_these_are_urls():
    for path in ("", "/%20", "/ä"):
        assert check_url(f"http://u:p@h{path}").hostname == "h"
    assert check_url("HTTPS://h:8/p?q#f").port == 8
    assert check_url("http://[::1]:80/").hostname == "::1"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "scheme is ''"),
        ("h/p", "scheme is ''"),
        ("ftp://h/", "scheme is 'ftp'; only http and https"),
        ("file:///etc/passwd", "scheme is 'file'"),
        ("http:///p", "names no host"),
        ("http:h", "names no host"),
        ("http://h /", "a space or a control character"),
        ("http://h/\n", "a space or a control character"),
        ("http://h/\0", "a space or a control character"),
        ("http://h/\ud800", "a space or a control character"),
        ("http://h/" + "a" * 9_000, "is 9,009 characters long; at most 8,192"),
        ("http://[::1", "host or port is malformed"),
        ("http://h:port/", "host or port is malformed"),
        ("http://h:65536/", "host or port is malformed"),
    ],
)
def test_these_are_no_urls_and_the_reason_is_said(url, said):
    with pytest.raises(BadUrlError, match=re.escape(said)):
        check_url(url)


@given(st.text(st.characters(), max_size=30), st.sampled_from(["", "http://", "x:"]))
def test_any_text_is_a_url_or_refused(text, start):
    with contextlib.suppress(BadUrlError):
        assert check_url(start + text).hostname


def test_a_refusal_does_not_repeat_the_password():
    rests = ["[::1", "h:99999/", "\u2100.com/", "h/ ", "/"]
    urls = [f"http://user:hunter2@{rest}" for rest in rests]
    for url in (*urls, "http://user:hunter2/@h/", "ftp://user:hunter2@h/"):
        with pytest.raises(BadUrlError) as refusal:
            check_url(url)
        assert "hunter2" not in str(refusal.value)


@given(
    st.from_regex(r"https?://[A-Za-z0-9.:@/?#-]{0,30}", fullmatch=True)
    | st.builds("http://{}:{}/a".format, st.text(max_size=9), st.integers(0, 99_999))
)
def test_a_quick_look_at_a_url_agrees_with_a_thorough_one(url):
    """
    Nothing that is checked by the quick way only would be refused by the other.
    """
    host = plain_host(url)
    if host:
        check_url(url)

        assert host_of(url) == host


@pytest.mark.parametrize("host", ["h", "h:80", "h:8443", "1.2.3.4", "[::1]", "[::1]:9"])
def test_a_host_over_http_is_another_over_https_unless_the_url_has_the_port(host):
    has_port = ":" in host.rpartition("]")[2]
    hosts = [host_of(f"{scheme}://{host}/") for scheme in ("http", "https", "HTTPS")]

    assert hosts == [host, *[host if has_port else f"{host}:443"] * 2]


def test_any_everyday_port_is_plain():
    """
    A port of five digits once took the slow way: a tenth of a small download's time.
    """
    for port in (1, 80, 8_080, 32_768, 59_999, 60_999, 64_999):
        assert plain_host(f"http://h:{port}/a") == f"h:{port}"
