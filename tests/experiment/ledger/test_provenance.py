"""Where a run took place: enough to judge a figure, nothing that identifies a host."""

import json
import platform
import re
import shutil
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


@pytest.mark.skipif(not shutil.which("git"), reason="there is no git")
def test_the_commit_and_whether_files_differ_are_known(monkeypatch, tmp_path):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (["init"], [*who, "commit", "--allow-empty", "--message=first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setattr(provenance, "root", lambda: tmp_path)
    clean = provenance.commit()
    (tmp_path / "new").touch()
    dirty = provenance.commit()

    assert re.fullmatch(r"[0-9a-f]{40}", clean["commit"])
    assert clean == {"commit": dirty["commit"], "dirty": False}
    assert dirty["dirty"]


@pytest.mark.parametrize(
    "error", [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")]
)
def test_without_git_no_commit_is_known(monkeypatch, error):
    monkeypatch.setattr(subprocess, "run", Mock(side_effect=error))

    assert provenance.commit() == {"commit": "", "dirty": False}
