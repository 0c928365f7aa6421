"""Where a run took place: enough to judge a figure, nothing that identifies a host."""

import json
import platform
import re
import subprocess
from unittest.mock import Mock

import pytest

from experiment.ledger import provenance


def test_a_machine_is_described_by_what_decides_its_speed_and_by_no_host_or_user():
    found = provenance.machine()

    assert found["cores"] >= 1
    assert found["memory_bytes"] > 10**8
    assert found["python"] == platform.python_version()
    assert found["cpu"]
    assert {"aiohttp", "awslambdaric", "papermill"} <= found["packages"].keys()
    assert re.fullmatch(r"\d+ × .+, \d+ GiB, \w+", found["name"])
    said = json.dumps(found)
    assert json.loads(said) == found
    assert platform.node() not in said.split()  # runs are published
    assert not re.search("/home|/root", said)


@pytest.mark.parametrize(
    "error", [None, FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")]
)
def test_the_commit_and_whether_files_differ_are_known_where_there_is_git(
    monkeypatch, error
):
    if error:
        monkeypatch.setattr(subprocess, "run", Mock(side_effect=error))
    found = provenance.commit()

    assert re.fullmatch(r"[0-9a-f]{40}|", found["commit"])
    assert isinstance(found["dirty"], bool)
    assert not error or found == {"commit": "", "dirty": False}
