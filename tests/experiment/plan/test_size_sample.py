"""The sizes of a list: what it tells, what hosts say, and what nobody does."""

import threading
from collections import Counter

import pytest
from tests.support.http_server import HttpServer

from experiment.__main__ import main
from experiment.fleet.forecast_questions import question_of
from experiment.fleet.question import INTERNET, S3, S3_ELSEWHERE
from experiment.parameters.fleet import FleetSettings
from experiment.plan import size_sample
from experiment.plan.size_sample import sample_for


class Host(HttpServer):
    """Answers by the first part of a path, and counts what it was asked."""

    def __init__(self):
        self.asked = Counter()
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def handle(self, request, _body):
        kind, _, value = request.path[1:].partition("/")
        with self.lock:
            self.asked[request.command, kind] += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        request.send_response({"busy": 429, "gone": 404, "to": 302}.get(kind, 200))
        if kind == "sized":
            request.send_header("Content-Length", value.partition("/")[0])
        if kind == "to":
            request.send_header("Location", value)
        request.end_headers()
        with self.lock:
            self.at_once -= 1


@pytest.fixture
def host():
    with Host() as host:
        yield host


@pytest.fixture
def listed(tmp_path):
    def written(*lines, name="urls.txt"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return written


def sampled(path, rows=100, *, allow_private=True):
    given = {"url_list": str(path), "sample": rows, "allow_private": allow_private}
    return sample_for(FleetSettings(**given))


def test_known_and_unknown_sizes_are_counted_by_why(host, listed, silent_url):
    path = listed(
        f"{host.url}/sized/1000/a",
        f"{host.url}/sized/3000/b",
        f"{host.url}/to//sized/2000",
        f"{host.url}/unsized/c",
        f"{host.url}/gone/d",
        f"{silent_url}/e",
        f"{host.url}/to/http://169.254.169.254/f",
        "s3://bucket/g",
    )
    found = sampled(path)

    assert sorted(found.sizes_bytes) == [1000, 2000, 3000]
    assert found.unknown == {
        size_sample.NO_LENGTH: 1,
        size_sample.NO_ANSWER: 1,
        size_sample.BLOCKED: 1,
        size_sample.IN_S3: 1,
        "answered 404": 1,
    }
    assert "3 sizes known (0 by the list, 3 by HEAD requests)" in str(found)
    assert "unknown: 62 %" in str(found)
    assert {command for command, _ in host.asked} == {"HEAD"}


def test_private_addresses_are_not_asked_unless_they_may_be(host, listed):
    found = sampled(listed(f"{host.url}/sized/1000"), allow_private=False)

    assert found.unknown == {size_sample.BLOCKED: 1}
    assert not host.asked


def test_a_host_is_asked_by_two_at_once_and_no_more_once_it_asks_for_less(host, listed):
    path = listed(*(f"{host.url}/busy/{number}" for number in range(50)))
    found = sampled(path)

    assert found.unknown == {size_sample.HOST_IS_BUSY: 50}
    assert host.asked["HEAD", "busy"] <= 2
    assert host.most_at_once <= 2


def test_a_list_that_tells_sizes_is_believed_and_nobody_is_asked(listed):
    rows = (f"https://host.example/{number},{1_000 * number}" for number in (1, 2, 3))
    found = sampled(listed("url,bytes", *rows, name="urls.csv"))

    assert sorted(found.sizes_bytes) == [1000, 2000, 3000]
    assert (found.files, found.told, found.is_from_s3) == (3, 3, False)


def test_a_sample_is_of_the_whole_list_and_always_the_same(listed):
    rows = (f"https://host.example/{size},{size}" for size in range(1, 60_001))
    path = listed("url,bytes", *rows, name="urls.csv")
    found = [sampled(path, rows=20) for _ in range(2)]

    assert found[0].sizes_bytes == found[1].sizes_bytes
    assert (found[0].files, found[0].rows) == (60_000, 20)
    assert max(found[0].sizes_bytes) > 45_000
    assert min(found[0].sizes_bytes) < 15_000


def test_a_list_says_how_many_files_how_large_and_from_where(host, listed):
    def asked(path, **given):
        settings = FleetSettings(url_list=str(path), allow_private=True, **given)
        return question_of(settings, sample=sample_for(settings))

    plain = asked(listed(f"{host.url}/sized/1000", f"{host.url}/sized/3000"))
    assert (plain.files, plain.mean_bytes) == (2, 2000)
    assert (plain.source, plain.scheme) == (INTERNET, "http")
    in_s3 = "https://b.s3.eu-west-1.amazonaws.com"
    rows = (f"{in_s3}/{number},500" for number in range(3))
    path = listed("url,bytes", *rows, name="urls.csv")
    stored = asked(path, comes_from=INTERNET)
    assert (stored.files, stored.source, stored.scheme) == (3, S3, "https")
    far = asked(listed("s3://bucket/1"), comes_from=S3_ELSEWHERE)
    assert far.source == S3_ELSEWHERE  # no list tells in which region
    assert sample_for(FleetSettings()) is None


def test_a_list_is_forecast_on_the_command_line(host, listed, capsys):
    path = listed(*(f"{host.url}/sized/{2_000 + number}" for number in range(30)))
    given = ["-p", "allow_private", "true", "-p", "sample", "10"]

    assert main(["plan", "--list", str(path), *given]) == 0
    said = capsys.readouterr().out
    assert said.startswith("list: 10 of 30 rows, 10 sizes known")
    assert "asked: 30 files of 2.0" in said
    assert main(["plan", "--list", str(path.with_name("none.txt"))]) == 2
    assert main(["plan", "--list", str(listed("no url at all"))]) == 2
