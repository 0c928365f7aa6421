"""The framework of tests/conformance."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_without_credentials_a_run_against_aws_is_skipped_and_says_so(tmp_path):
    nobody = {
        **{name: os.environ[name] for name in os.environ if name[:4] != "AWS_"},
        "HOME": str(tmp_path),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "tests/conformance/test_tags.py", "--target", "aws"],
        cwd=ROOT,
        env=nobody,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    out = done.stdout
    summary = out.splitlines()[-1]

    assert done.returncode == 0, out
    assert "There are no AWS credentials" in out
    assert "skipped" in summary
    assert not {"passed", "failed", "error", "errors"} & set(summary.split())


def test_a_case_without_a_source_fails(tmp_path, capsys):
    cases = tmp_path / "test_sourceless.py"
    cases.write_text(
        "import pytest\n"
        "from tests.conformance.conftest import _has_a_source\n"
        "def test_none(): pass\n"
        "@pytest.mark.fact('')\n"
        "def test_empty(): pass\n"
        "@pytest.mark.fact\n"
        "def test_bare(): pass\n"
        "@pytest.mark.fact('a page')\n"
        "def test_sourced(): pass\n"
    )
    command = (f"--rootdir={ROOT}", f"-c{ROOT}/pyproject.toml", str(cases))
    code = pytest.main(["-q", "-p", "no:cacheprovider", *command])
    out = capsys.readouterr().out

    assert code == 1
    assert out.count("names no source") >= 3
    assert out.splitlines()[-1].startswith(("1 passed, 3 errors", "3 errors, 1 passed"))


def test_the_page_on_what_is_modelled_names_every_file_of_cases():
    page = (ROOT / "deploy/local_aws/README.md").read_text()
    cases = {path.name for path in ROOT.glob("tests/conformance/test_*.py")}

    assert set(re.findall(r"`(test_\w+\.py)`", page)) == cases
