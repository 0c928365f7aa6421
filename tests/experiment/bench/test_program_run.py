"""One run: what it took, and whatever was wrong with it."""

import sys
from pathlib import Path

import pytest

from experiment.bench import program_run as bench_run
from experiment.bench.program_run import Served, Setting, fault_in, measure, origin_for
from experiment.bench.programs import Program, installed
from origin import jpeg
from origin.nginx import is_installed

PICTURE = b"picture"
SETTING = Setting("http", 1_000, 3, 2)
NOWHERE = Served("none", ("http",), lambda *_: "http://127.0.0.1:1/{number}.jpg", None)
WRITE = "from pathlib import Path\nfor n in range(3): Path(str(n) + '.jpg').{}"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(jpeg(1_000))
    return path


def measured(code, limit_s=60.0):
    """Measure a program that does not download at all."""
    command = (sys.executable, "-c", code)
    return measure(Program("cheat", "{url}\n", command), SETTING, NOWHERE, limit_s)


def test_a_run_is_a_row_with_units_in_the_names_of_its_columns(picture):
    where = picture.with_name("where")
    code = WRITE.format(f"write_bytes(Path('{picture}').read_bytes())")
    row = measured(f"{code}\nPath('{where}').write_text(str(Path.cwd()))")

    assert not Path(where.read_text()).parent.exists()  # nothing of a run stays
    assert row["error"] == ""
    assert row["files_per_s"] == pytest.approx(3 / row["wall_s"])
    assert row["mb_per_s"] == pytest.approx(3 * 1_000 / 1e6 / row["wall_s"])
    assert row["cpu_us_per_file"] == pytest.approx(row["cpu_s"] * 1e6 / 3)
    assert row["peak_rss_bytes"] > 0
    assert row["program"] == "cheat"
    assert SETTING._asdict().items() <= row.items()
    assert row["stored_in"] in {"RAM", "disk"}


@pytest.mark.parametrize(
    ("files", "changes", "fault"),
    [
        (1_000, {}, ""),
        (1_000, {7: None}, "999 of 1,000 files arrived; 7.jpg is missing"),
        (1_000, {999: PICTURE[:-1]}, "999.jpg has 6 bytes, not 7"),
        (1_000, {"7.jpg.part": PICTURE}, "1 unexpected files, such as 7.jpg.part"),
        (1_000, {1_000: PICTURE}, "1 unexpected files, such as 1000.jpg"),
        # Of many files a sample is compared byte by byte, of few every one.
        (1_000, dict.fromkeys(range(1_000), b"another"), "0.jpg differs from the file"),
        *[(3, {n: b"another"}, f"{n}.jpg differs from the file") for n in range(3)],
    ],
)
def test_the_smallest_fault_of_what_was_delivered_is_found(
    tmp_path, files, changes, fault
):
    wanted = dict.fromkeys(range(files), PICTURE) | changes
    for name, content in wanted.items():
        if content is not None:
            path = tmp_path / (f"{name}.jpg" if isinstance(name, int) else name)
            path.write_bytes(content)
    found = fault_in(tmp_path, files, PICTURE)

    assert found.startswith(fault)
    assert bool(found) == bool(fault)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (WRITE.format("write_bytes(bytes(999))"), "0.jpg has 999 bytes, not 1,000"),
        (WRITE.format("exists()"), "0 of 3 files arrived; 0.jpg is missing"),
        ("import os\nos.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("raise SystemExit('disk full')", "exit status 1: disk full"),
    ],
)
def test_a_program_that_fails_is_flagged_in_its_own_words_if_any(code, error):
    assert measured(code)["error"] == error


def test_a_program_that_fails_is_flagged_even_if_its_files_are_right(picture):
    code = WRITE.format(f"write_bytes(Path('{picture}').read_bytes())")

    assert measured(f"{code}\nraise SystemExit(1)")["error"] == "exit status 1"


def test_a_program_that_hangs_is_ended_and_flagged():
    error = measured("import time\ntime.sleep(60)", limit_s=0.3)["error"]

    assert error == "not done after 0.3 s"


def test_without_nginx_our_own_origin_serves_http_only(monkeypatch):
    """
    The output says so: figures from the two are not the same thing.
    """
    monkeypatch.setattr(bench_run, "is_installed", lambda: False)

    with origin_for([1_000]) as served:
        row = measure(installed()[0], SETTING, served)

    assert row["error"] == ""
    assert served.schemes == ("http",)
    assert row["origin"] == "origin (nginx is not installed, so HTTP only)"


@pytest.mark.skipif(not is_installed(), reason="nginx is not installed")
@pytest.mark.parametrize("program", installed(), ids=lambda program: program.name)
def test_every_program_verifies_https(program):
    with origin_for([1_000]) as served:
        https = SETTING._replace(scheme="https")

        assert measure(program, https, served)["error"] == ""
        untrusted = served._replace(ca_file=None)
        assert measure(program, https, untrusted)["error"] != ""
