import io
import json
import subprocess
import sys
import zipfile

import pytest
from tests.support.libraries import problems

from aws_facts.limits import Limit
from rollout.bundle import build, wheels
from rollout.bundle.archive import files_in
from rollout.bundle.lambda_platform import LambdaPlatform
from rollout.bundle.requirements import closure, locked
from rollout.errors import BundleError
from rollout.target.runtime_platform import ARCHITECTURES, machine

pytestmark = pytest.mark.usefixtures("whole_zips")


@pytest.fixture(scope="module")
def zipped(whole_zips):
    return whole_zips.build(*machine())


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """pip reaches no index, whatever the machine is set up for, and nothing is kept."""
    monkeypatch.setattr(wheels, "CACHE", tmp_path / "kept")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")


def test_the_same_code_gives_the_same_bytes_without_a_network(zipped, monkeypatch):
    """
    Deploying again uploads nothing, and two people can compare what they deployed.
    """

    def refuse(*_, **__):
        pytest.fail("pip was started")

    monkeypatch.setattr(subprocess, "run", refuse)

    assert build.build(*machine()) == zipped


def test_the_zip_holds_all_the_worker_imports_and_no_more(zipped, tmp_path):
    """
    In an interpreter that sees the zip's files only, the handler can be imported; what
    the notebooks use stays at home.
    """
    zipfile.ZipFile(io.BytesIO(zipped)).extractall(tmp_path)
    look = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); import fetcher.handler; "
        "import fetcher.engines.curl, fetcher.engines.aiohttp; "
        "print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    command = [sys.executable, "-I", "-S", "-c", look, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    top_level = {path.name.partition(".")[0] for path in tmp_path.iterdir()}

    assert "fetcher" in json.loads(done.stdout)
    assert {"fetcher", "aiohttp", "pycurl", "yarl"} <= top_level
    assert not {"boto3", "rollout", "pandas", "pip"} & top_level


def test_the_zip_holds_what_runs_and_who_wrote_it(zipped):
    """
    The local Lambda finds distributions by their METADATA and top_level.txt; licences
    travel with the code.
    """
    names = zipfile.ZipFile(io.BytesIO(zipped)).namelist()
    endings = {name.rpartition("/")[2] for name in names}

    assert {"METADATA", "top_level.txt", "LICENSE"} <= endings
    assert not {"RECORD", "INSTALLER", "direct_url.json", "REQUESTED"} & endings
    assert not [n for n in names if n.endswith((".pyc", ".pyi", ".pyx", ".c"))]
    assert names == sorted(names)


def test_every_library_in_the_zip_finds_the_libraries_that_it_needs(zipped):
    """Another reader than ours looks: wheels may name what only their makers have."""
    files = files_in(zipped)
    here = machine().architecture
    made_up = {name: data for name, data in files.items() if "pycurl" not in name}
    (curl,) = (name for name in files if name.endswith(".so") and "_pycurl" in name)

    assert list(problems(files, here)) == []
    assert list(problems(files, next(one for one in ARCHITECTURES if one != here)))
    assert "which is not in the zip" in str(
        list(problems(made_up | {curl: files[curl]}, here))
    )


@pytest.mark.parametrize(
    ("runtime", "architecture", "system"),
    [
        ("nodejs20.x", "arm64", "linux"),
        ("python3.13", "sparc", "linux"),
        ("python3.13", "arm64", "darwin"),
        ("python3.9", "arm64", "linux"),
    ],
)
def test_a_platform_lambda_has_not_is_refused(runtime, architecture, system):
    with pytest.raises(BundleError, match="No zip can be built for"):
        build.build(runtime, architecture, system)


@pytest.mark.usefixtures("offline")
def test_wheels_out_of_reach_are_explained():
    """Offline, one learns which platform was wanted, what pip said and what to do."""
    with pytest.raises(BundleError, match="PIP_INDEX_URL") as caught:
        build.build("python3.13", "arm64", "linux")

    assert "python3.13 on arm64" in str(caught.value)
    assert "No matching distribution" in str(caught.value)


def test_requirements_are_those_of_lambda_not_of_this_machine():
    """pip holds markers against the interpreter it runs on, so pip is not asked."""
    old = LambdaPlatform("python3.11", "arm64").environment()
    new = LambdaPlatform("python3.13", "arm64").environment()

    assert "typing-extensions" in closure(old)
    assert "typing-extensions" not in closure(new)


def test_every_version_is_locked_with_its_hashes():
    environment = LambdaPlatform("python3.13", "arm64").environment()
    lines = list(locked(closure(environment), environment))

    assert any(line.startswith("aiohttp==") for line in lines)
    assert all("--hash=sha256:" in line and ";" not in line for line in lines)
    with pytest.raises(BundleError, match="no version of it"):
        list(locked(["no-such-package"], environment))


def test_a_zip_lambda_would_refuse_is_refused_here(monkeypatch):
    small = Limit(least=1, most=1_000, source="", seen=None)
    monkeypatch.setattr(build, "limit", lambda _: small)
    monkeypatch.setattr(build, "_installed", lambda _: {})

    with pytest.raises(BundleError, match="Remove one of its requirements"):
        build.build(*machine())
