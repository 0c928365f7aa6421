"""The programs compared: each is told the same work, in its own words."""

import os
import re
import shutil
import subprocess

import pytest

from experiment.bench import programs
from experiment.bench.programs import CURL, environ, installed, not_installed
from fetcher.contract.options import ENGINES
from origin import Origin

FILES = 5
PROGRAMS = installed()


@pytest.fixture(scope="module")
def urls():
    with Origin() as origin:
        template = origin.template(1_000)
        yield [template.format(number=number) for number in range(FILES)]


@pytest.fixture(params=PROGRAMS, ids=[program.name for program in PROGRAMS])
def program(request):
    return request.param


def test_ours_come_first_one_for_each_engine():
    ours = [program for program in PROGRAMS if program.ours]

    assert ours == PROGRAMS[: len(ENGINES)]
    assert [f"fetcher ({engine})" for engine in ENGINES] == [one.name for one in ours]


def test_only_peers_that_are_installed_are_compared(monkeypatch, tmp_path):
    curl = tmp_path / "curl"
    curl.write_text("#!/bin/sh\necho curl 9.8.7 libcurl/1.2.3\n")
    curl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    (only,) = [program for program in installed() if not program.ours]
    assert (only.name, only.version) == (CURL, "9.8.7")
    assert not_installed() == ["wget2", "aria2c"]


def test_each_tells_its_version(program):
    assert re.findall(r"\d\.\d", program.version)


def test_each_downloads_its_list_into_the_folder_it_is_started_in(
    program, urls, tmp_path
):
    listed, folder = tmp_path / "urls", tmp_path / "files"
    folder.mkdir()
    program.write_list(listed, urls)

    subprocess.run(
        program.arguments(listed, 2, None),
        cwd=folder,
        env=environ(tmp_path, None),
        capture_output=True,
        check=True,
        timeout=60,
    )

    found = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert {f"{number}.jpg": 1_000 for number in range(FILES)} == found


def test_each_is_told_how_many_connections(program, tmp_path):
    said = " ".join(program.arguments(tmp_path / "urls", 97, None))

    assert re.findall(r"(--connections |--parallel-max |--max-threads=|-j)97\b", said)


def test_peers_are_told_whom_to_trust_only_where_there_is_someone(tmp_path):
    ca_file = tmp_path / "ca.pem"
    for peer in programs.PEERS:
        assert str(ca_file) in " ".join(peer.arguments(tmp_path, 1, ca_file))
        assert "ca" not in [
            word.strip("-") for word in peer.arguments(tmp_path, 1, None)
        ]


def test_programs_get_no_proxy_and_nobodys_configuration(monkeypatch, tmp_path):
    """
    A proxy, or a --limit-rate in somebody's .curlrc, would be measured too.
    """
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    found = environ(tmp_path, tmp_path / "ca.pem")

    assert found == {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
    }
    assert "SSL_CERT_FILE" not in environ(tmp_path, None)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_word_for_curl_is_that_of_the_ratios():
    assert CURL in [program.name for program in PROGRAMS]
