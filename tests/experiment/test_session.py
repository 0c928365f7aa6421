"""What a notebook holds open: refused at once if it cannot work, closed for good."""

import re
from contextlib import ExitStack, closing, nullcontext
from dataclasses import replace
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from experiment.parameters.checks import SettingsError
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.settings import Settings
from experiment.session import Session, open_session
from rollout.errors import TargetError


@pytest.fixture
def session_with(endpoint):
    """Open a session at the shared endpoint."""
    with ExitStack() as opened:

        def made(**settings):
            settings = FanOutSettings(endpoint_url=endpoint.endpoint_url, **settings)
            return opened.enter_context(closing(open_session(settings))), settings

        yield made


def test_a_session_starts_an_endpoint_and_an_origin_of_its_own_and_stops_them(
    monkeypatch, tmp_path
):
    """
    It counts without nginx, too: a million files are checked against requests.
    """
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = FanOutSettings(origin="nginx")
    session = open_session(settings)
    origin_url, url = session.origin_url, session.template(settings)
    before = session.requests()

    assert url == f"{origin_url}/10000/{{number}}.jpg"
    for number in range(3):
        with urlopen(url.format(number=number)) as answer:
            assert len(answer.read()) == 10_000
    assert session.requests() - before == 3
    assert session.files_from(settings) == (
        "nginx is not installed: files come from the project's own origin"
    )
    session.close()
    for address in (origin_url, session.target.endpoint_url):
        with pytest.raises(URLError, match="refused"):
            urlopen(address)


def test_urls_of_the_users_own_need_no_origin_and_nobody_counts_requests(
    endpoint, monkeypatch
):
    def starts(*, origin):
        assert not origin
        return nullcontext(replace(endpoint, origin_url=""))

    monkeypatch.setattr("experiment.session.local_endpoint", starts)
    settings = FanOutSettings(url_template="http://nowhere.invalid/{number}")
    session = open_session(settings)

    assert session.files_from(settings) == "Files come from: your URLs"
    assert session.requests() is None
    assert session.origin_url == ""
    session.close()


def test_files_come_from_a_named_origin_or_a_template_as_it_is(session_with, endpoint):
    named, settings = session_with(origin_url=f"{endpoint.origin_url}/", file_kb=7)
    assert named.template(settings) == f"{endpoint.origin_url}/7000/{{number}}.jpg"
    assert named.origin == endpoint.origin_url
    assert named.requests() is None

    own, settings = session_with(url_template="http://nowhere.invalid/{number}")
    assert own.template(settings) == "http://nowhere.invalid/{number}"


@pytest.mark.parametrize(
    ("origin_url", "file_kb", "said"),
    [
        (
            "SILENT",
            10,
            r"^The origin SILENT does not answer: .*refused.* Set origin_url to",
        ),
        ("ENDPOINT", 10, r"/10000/0\.jpg with 4\d\d "),
        ("ORIGIN", 60_000, "Ours has files of 1 to 50,000 kB"),
        *[
            (address, 10, f"origin_url is '{address}'")
            for address in ("127.0.0.1:8000", "ftp://127.0.0.1", "http://:1")
        ],
    ],
)
def test_an_origin_that_cannot_serve_is_refused_before_any_work(
    session_with, silent_url, endpoint, origin_url, file_kb, said
):
    """
    Otherwise a million URLs would end `connect`, each after three attempts. The two
    addresses that `rollout serve` prints are easily taken for each other.
    """
    known = {
        "SILENT": silent_url,
        "ENDPOINT": endpoint.endpoint_url,
        "ORIGIN": endpoint.origin_url,
    }
    origin_url = known.get(origin_url, origin_url)
    session, settings = session_with(origin_url=origin_url, file_kb=file_kb)

    with pytest.raises(SettingsError, match=said.replace("SILENT", silent_url)):
        session.template(settings)


def test_nothing_to_download_is_refused_naming_the_missing_parameter(
    session_with, endpoint, target
):
    """
    The endpoint may well have an origin: it only has to be told as well. On AWS, a
    local origin is of no use.
    """
    session, settings = session_with()
    on_aws = Session(replace(target, name="aws"), "", "", None, ExitStack())
    said = re.escape(
        "There is nothing to download: an endpoint_url is set and no origin_url. Set "
        "origin_url to the one that `rollout serve --origin` printed beside "
        f"{endpoint.endpoint_url};"
    )

    with pytest.raises(SettingsError, match=said):
        session.template(settings)
    with pytest.raises(SettingsError, match="on AWS cannot reach an origin on this"):
        on_aws.template(FanOutSettings(target="aws"))


def test_an_endpoint_that_is_not_there_or_no_address_is_refused(silent_url):
    said = re.escape(f"Nothing answers at {silent_url}")

    with pytest.raises(TargetError, match=f"{said}.*Start one with `rollout serve`"):
        open_session(Settings(endpoint_url=silent_url))
    with pytest.raises(TargetError, match="endpoint_url is 'localhost'; it must be"):
        open_session(Settings(endpoint_url="localhost"))
