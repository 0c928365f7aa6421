"""`make test-bare`: what a newcomer has and does not have."""

import shutil
from types import SimpleNamespace

import pytest
from tests import bare
from tests.bare import Newcomer

OPTIONAL = ("git", "nginx", "wrk", "curl", "wget2", "aria2c", "chromium", "chrome")


def test_a_newcomer_has_nothing_that_is_optional(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    monkeypatch.setenv("PIP_CERT", "/nowhere")
    environ = Newcomer(tmp_path).environ

    assert [one for one in OPTIONAL if shutil.which(one, path=environ["PATH"])] == []
    assert shutil.which("sh", path=environ["PATH"])
    assert environ.keys() == {"PATH", "HOME", "TZ", "LC_ALL"}


def test_installs_alone_are_told_where_packages_are(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PIP_CERT", "UV_INDEX", "https_proxy", "SSL_CERT_DIR", "AWS_PROFILE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text("[global]\n")
    (tmp_path / "new").mkdir()
    told = bare._for_installs(tmp_path / "new")

    assert told.keys() >= {"PIP_CERT", "UV_INDEX", "https_proxy", "SSL_CERT_DIR"}
    assert told["PIP_CONFIG_FILE"] == str(tmp_path / "new" / "pip.conf")
    assert "AWS_PROFILE" not in told


def test_a_copy_without_git_is_taken_as_it_is_but_for_its_environment(
    monkeypatch, tmp_path
):
    for name in ("copy/.venv", "copy/tests"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "copy" / "Makefile").touch()
    monkeypatch.setattr(bare, "ROOT", tmp_path / "copy")
    bare._unpack(tmp_path / "new")

    assert {one.name for one in (tmp_path / "new").iterdir()} == {"Makefile", "tests"}


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        ("C\nC.utf8\nPOSIX\ntr_TR.utf8\n", "tr_TR.UTF-8"),
        ("C\nC.utf8\nPOSIX\n", "C.UTF-8"),
        ("C\nPOSIX\n", "POSIX"),
    ],
)
def test_the_locale_is_one_that_is_installed(monkeypatch, installed, chosen):
    """Otherwise C is used, and nobody notices."""
    answer = SimpleNamespace(stdout=installed)
    monkeypatch.setattr(bare.shutil, "which", lambda _: "locale")
    monkeypatch.setattr(bare.subprocess, "run", lambda *_, **__: answer)

    assert bare.odd_locale() == chosen


@pytest.mark.parametrize(("budget_s", "tested"), [(1e9, 3), (-1, 1)])
def test_other_pythons_are_tested_if_time_is_left(
    monkeypatch, capsys, budget_s, tested
):
    tried = []
    monkeypatch.setattr(bare, "pythons", lambda: dict.fromkeys(bare._VERSIONS, "x"))
    monkeypatch.setattr(bare, "_BUDGET_S", budget_s)
    monkeypatch.setattr(bare, "try_python", lambda *given: tried.append(given) or "")
    monkeypatch.setattr(bare.sys, "argv", ["bare.py", "--seed", "1"])

    assert bare.main() == 0
    assert [version for _, version, _ in tried] == ["3.13", "3.11", "3.12"]
    assert sum(bool(order) for _, _, order in tried) == tested
    out = capsys.readouterr().out
    assert ("3.12: no time is left for its tests" in out) == (tested == 1)
    assert f"the locale is {bare.odd_locale()}" in out
