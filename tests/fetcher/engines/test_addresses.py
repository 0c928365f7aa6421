"""Which addresses are contacted, however they are written, found or redirected to."""

import socket

import pytest
from tests.support.engine_jobs import body_of, fetch_beside_good_ones
from tests.support.misbehaving_origin import Origin, closed_port
from tests.support.name_service import Names
from tests.support.outcome_tables import expected, unexpected

from fetcher.contract.outcome import Outcome
from fetcher.security import guard

PUBLIC = "127.0.0.2"  # which `public` makes the guard believe

# Hosts of digits alone are no addresses to aiohttp, nor, it knows, are they names.
PRIVATE = expected(
    (
        "blocked",
        """
        127.0.0.1 127.8.8.8 localhost LOCALHOST localhost. 0.0.0.0 10.0.0.1 172.16.0.1
        192.168.1.1 100.64.0.1 198.18.0.1 [::1] [0:0:0:0:0:0:0:1] [::]
        [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [fd12::1] [64:ff9b::7f00:1]
        [64:ff9b::127.0.0.1] [64:ff9b:1::7f00:1] [2002:7f00:1::1] [2001:0:7f00:1::1]
        [2001:0:5db8:d70e:0:0:80ff:fffe]
        """,
    ),
    ("blocked bad_url", "127.1 2130706433 0177.0.0.1 017700000001 0x7f.1 0x7f000001 0"),
    ("blocked bad_url dns", "%31%32%37.0.0.1 ①②⑦.0.0.1 127。0。0。1"),
)
LINK_LOCAL = expected(
    (
        "blocked",
        """
        169.254.169.254 [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [64:ff9b::a9fe:a9fe]
        [64:ff9b:1::a9fe:a9fe] [2002:a9fe:a9fe::1] [2001:0:5db8:d70e:0:0:5601:5601]
        [fe80::1] [fd00:ec2::254]
        """,
    ),
    ("blocked bad_url dns", "169.254.169.254."),
    (
        "blocked bad_url",
        """
        2852039166 0251.0376.0251.0376 0xa9fea9fe 169.254.43518 [fe80::1%25lo]
        """,
    ),
)

# {port} is that of an origin on loopback.
SPELLINGS = expected(
    (
        "ok",
        """
        http://127.0.0.1:{port}/bytes/3 HTTP://127.0.0.1:{port}/bytes/3#a@b
        http://127.0.0.1:0{port}/bytes/3 http://u%40x:p%3A@127.0.0.1:{port}/bytes/3
        http://\uff11\uff12\uff17.0.0.1:{port}/bytes/3 http://127。0。0。1:{port}/bytes/3
        """,
    ),
    # Each is 127.0.0.1 to some programs, and a name, or nothing, to others.
    (
        "bad_url",
        """
        http://127.1:{port}/bytes/3 http://127.0.1:{port}/bytes/3
        http://1\uff127.1:{port}/bytes/3 http://127。1:{port}/bytes/3
        http://2130706433:{port}/bytes/3 http://017700000001:{port}/bytes/3
        http://0177.0.0.1:{port}/bytes/3 http://127.0.0.01:{port}/bytes/3
        http://0x7f000001:{port}/bytes/3 http://0X7F.0.0.1:{port}/bytes/3
        http://0x7f.1:{port}/bytes/3 http://127.0.0.0x1:{port}/bytes/3
        http://127.0.0.1.:{port}/bytes/3 http://127.0.0.256:{port}/bytes/3
        http://1.2.3.4.5:{port}/bytes/3 http://no.0x:{port}/bytes/3
        http://0:{port}/bytes/3
        """,
    ),
    # Where the host begins and ends, programs do not agree upon.
    (
        "bad_url",
        """
        http://127%2E0%2E0%2E1:{port}/bytes/3 http://127.0.0.1%00:{port}/bytes/3
        http://u@no.invalid@127.0.0.1:{port}/bytes/3
        http://127.0.0.1:{port}\\@no.invalid/
        http://no.invalid\\@127.0.0.1:{port}/bytes/3
        http://127.0.0.1\\no.invalid:{port}/bytes/3 http:/127.0.0.1:{port}/bytes/3
        http:///127.0.0.1:{port}/bytes/3 http://[::ffff:127.1]:{port}/bytes/3
        http://a..b/ http://127.0.0.1:65536/ http://127.0.0.1:+{port}/ http://127.0.0.1:-1/
        """,
    ),
    ("connect", "http://127.0.0.1:0/"),
    ("dns", "http://ü.invalid/ http://no.invalid./"),
)


@pytest.fixture
def names(monkeypatch):
    """Answer for these names; return who counts the questions."""

    def names(**answers):
        answers = {f"{name}.example": given for name, given in answers.items()}
        service = Names({"localhost": [["127.0.0.1"]], **answers})
        monkeypatch.setattr(socket, "getaddrinfo", service)
        return service

    return names


@pytest.fixture
def public(monkeypatch):
    """Have one address of loopback pass for one of the public internet."""
    real = guard.forbidden

    def forbidden(address, **options):
        return "" if address == PUBLIC else real(address, **options)

    monkeypatch.setattr(guard, "forbidden", forbidden)


def test_a_url_is_one_or_not_to_both_engines(fetch, origin):
    """
    Which make the safer of what each would make of it.
    """
    urls = [url.format(port=origin.port) for url in SPELLINGS]
    ended = fetch(urls, total_timeout_s=5.0)

    assert unexpected(SPELLINGS, ended) == {}


def test_no_spelling_of_a_private_address_is_contacted(fetch, origin, names):
    names()
    before = origin.connections
    urls = [f"http://{host}:{origin.port}/bytes/3" for host in PRIVATE]
    ended = fetch(urls, allow_private=False)

    assert unexpected(PRIVATE, ended) == {}
    assert origin.connections == before


def test_no_spelling_of_a_link_local_address_is_contacted_even_if_private_ones_may(
    fetch_beside, names
):
    names()
    urls = [f"http://{host}/latest/meta-data/" for host in LINK_LOCAL]
    ended = fetch_beside(urls)

    assert unexpected(LINK_LOCAL, ended) == {}


@pytest.mark.usefixtures("public")
def test_no_redirect_of_a_public_host_leads_to_a_private_address(fetch, origin, names):
    names()
    before = origin.connections
    with Origin(host=PUBLIC) as outside:
        urls = [
            outside.saying(
                b"HTTP/1.1 302 On\r\nContent-Length: 0\r\nLocation: "
                + f"http://{host}:{origin.port}/bytes/3\r\n\r\n".encode(),
                "next",
            )
            for host in PRIVATE
        ]
        *ended, good = fetch([*urls, outside.url("/bytes/3")], allow_private=False)

    assert unexpected(PRIVATE, ended) == {}
    assert good.outcome is Outcome.OK
    assert origin.connections == before


def test_no_name_leads_to_a_private_address(fetch, origin, names):
    inside = ["127.0.0.1", "::1", "169.254.169.254", "::ffff:10.0.0.1", "fe80::1"]
    names(**{f"inside{n}": [[address]] for n, address in enumerate(inside)})
    before = origin.connections
    hosts = [f"inside{n}.example:{origin.port}" for n in range(len(inside))]
    urls = [f"http://{host}/bytes/3" for host in hosts]
    ended = fetch(urls, allow_private=False, attempts=3)

    assert {(one.outcome, one.attempts) for one in ended} == {(Outcome.BLOCKED, 1)}
    assert origin.connections == before


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("first", [[PUBLIC], [PUBLIC, "127.0.0.1"]])
def test_a_name_that_changes_its_address_does_not_get_inside(
    fetch, origin, names, first, monkeypatch
):
    """
    Public when it is looked at, private when it is connected to: DNS rebinding. Or
    both at once, so that one is tried after the other.
    """
    monkeypatch.setattr("fetcher.transfer.scheduler.full_jitter", lambda *_: 0.01)
    names(rebinding=[first, ["127.0.0.1"]])
    before = origin.connections
    urls = [f"http://rebinding.example:{origin.port}/bytes/{n}" for n in range(5)]
    ended = fetch(urls, allow_private=False, attempts=3)

    # A name's address may be remembered; nobody listens there.
    assert {one.outcome for one in ended} <= {Outcome.BLOCKED, Outcome.CONNECT}
    assert origin.connections == before


@pytest.mark.usefixtures("public")
def test_a_name_that_changes_its_address_between_redirects_does_not_get_inside(
    fetch, names
):
    with Origin() as inside, Origin(host=PUBLIC) as outside:
        names(rebinding=[[PUBLIC], ["127.0.0.1"]])
        base = f"http://rebinding.example:{outside.port}"
        there = f"http://rebinding.example:{inside.port}"
        urls = [f"{base}/to/{there}/bytes/{number}" for number in range(5)]
        ended = fetch(urls, allow_private=False)

    assert {one.outcome for one in ended} <= {Outcome.BLOCKED, Outcome.CONNECT}
    assert inside.connections == 0


def test_lambda_s_runtime_api_is_never_contacted(
    fetch_beside, origin, names, monkeypatch
):
    """
    Whoever speaks to it can answer other people's invocations.
    """
    names(api=[["127.0.0.1"]])
    with Origin() as api:
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", f"127.0.0.1:{api.port}")
        hosts = ["127.0.0.1", "localhost", "api.example", "[::ffff:127.0.0.1]"]
        urls = [f"http://{host}:{api.port}/bytes/3" for host in hosts]
        urls.append(origin.url(f"/to/{urls[0]}"))
        ended = fetch_beside(urls)

    assert [str(one.outcome) for one in ended] == ["blocked"] * len(urls)
    assert api.connections == 0


def test_no_proxy_is_gone_through(fetch, origin, monkeypatch):
    """
    A proxy would connect where the guard cannot look.
    """
    with closed_port() as closed:
        for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{closed}")
        (one,) = fetch([origin.url("/bytes/3")])

    assert one.outcome is Outcome.OK


@pytest.fixture(scope="module")
def origin_6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError as error:
        pytest.skip(f"no IPv6 on loopback: {error}")
    with Origin(host="::1") as origin:
        yield origin


def test_an_origin_may_have_an_ipv6_address(engine, origin_6, tmp_path):
    bad = [origin_6.url("/cut/9/1"), origin_6.url("/chain/5")]
    ended = fetch_beside_good_ones(engine, origin_6, bad, tmp_path)

    assert [str(one.outcome) for one in ended] == ["cut", "ok"]


def test_a_name_with_an_address_that_refuses_is_reached_at_the_other(
    fetch, origin, names
):
    names(two=[["::1", "127.0.0.1"]], owt=[["127.0.0.2", "127.0.0.1"]])
    urls = [f"http://{host}.example:{origin.port}/bytes/3" for host in ("two", "owt")]
    ended = fetch(urls)

    assert [body_of(one) for one in ended] == [b"xxx", b"xxx"]


def test_a_name_is_looked_up_once_for_many_urls(fetch, origin, names):
    """
    A name server asked a million times is one more origin to be polite to.
    """
    service = names(many=[["127.0.0.1"]])
    urls = [f"http://many.example:{origin.port}/bytes/{n}" for n in range(50)]
    ended = fetch(urls, connections=20)

    assert {one.outcome for one in ended} == {Outcome.OK}
    assert service.asked["many.example"] <= 2


def test_an_address_is_not_remembered_for_ever(fetch, origin, names, monkeypatch):
    monkeypatch.setattr("fetcher.transfer.scheduler.full_jitter", lambda *_: 0.4)
    monkeypatch.setattr("fetcher.engines.resolver._TTL_S", 0.2)
    monkeypatch.setattr("fetcher.engines.curl_first_connections._KNOWN_S", 0.0)
    monkeypatch.setattr("fetcher.engines.aiohttp._DNS_TTL_S", 0.2)
    service = names(moved=[["127.0.0.2"], ["127.0.0.1"]])  # nobody listens at the first
    (one,) = fetch([f"http://moved.example:{origin.port}/bytes/3"], attempts=3)

    assert body_of(one) == b"xxx"
    assert service.asked["moved.example"] >= 2


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("addresses", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC]])
def test_a_name_with_a_public_address_that_refuses_is_not_blocked(
    engine, fetch, names, addresses
):
    """
    It may be there the next time. aiohttp tells only of the last address.
    """
    names(half=[addresses])
    with closed_port() as port:
        (one,) = fetch([f"http://half.example:{port}/"], allow_private=False)

    is_told = engine == "curl" or addresses[-1] == PUBLIC
    assert one.outcome is (Outcome.CONNECT if is_told else Outcome.BLOCKED)
