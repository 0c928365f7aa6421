"""
The programs compared: each is told the same work, in its own words.

That each downloads its list is shown by test_bench.py, which runs those installed.
"""

import os
import re

import pytest

from experiment.bench.programs import CURL, PEERS, environ, installed, not_installed
from fetcher.contract.options import ENGINES

PROGRAMS = installed()


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


@pytest.mark.parametrize(
    "program", PROGRAMS, ids=[program.name for program in PROGRAMS]
)
def test_each_tells_its_version_and_is_told_how_many_connections(program, tmp_path):
    said = " ".join(program.arguments(tmp_path / "urls", 97, None))

    assert re.findall(r"\d\.\d", program.version)
    assert re.findall(r"(--connections |--parallel-max |--max-threads=|-j)97\b", said)


def test_peers_are_told_whom_to_trust_only_where_there_is_someone(tmp_path):
    ca_file = tmp_path / "ca.pem"
    for peer in PEERS:
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
