"""Folders that take no more, or nothing at all: told, cleaned up, and survived."""

import contextlib
import subprocess

import pytest
from tests.support.engine_jobs import files_below
from tests.support.full_disk import no_file_larger_than
from tests.support.misbehaving_origin import Origin, sentence
from tests.support.running_command import Run

from fetcher.contract.outcome import Outcome
from fetcher.contract.source import Item

ROOM = 256 * 1_024  # bytes
BODY = 10_000


@contextlib.contextmanager
def mounted(folder, options):
    """Mount a file system in RAM on the folder, for as long as the block lasts."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"nothing can be mounted here: {error}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def whole(folder):
    """Tell whether every file is under its final name, and whole."""
    files = files_below(folder)
    return {path.stat().st_size for path in files} <= {BODY} and not any(
        path.name.endswith(".part") for path in files
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (f"size={ROOM}", "No space left on device"),
        # Inodes run out before bytes where files are small.
        (f"size={4 * ROOM},nr_inodes=20", "No space left on device"),
        ("ro", "Read-only file system"),
    ],
)
def test_a_disk_that_is_full_or_read_only_costs_only_what_it_does_not_take(
    fetch, origin, tmp_path, options, said
):
    urls = [origin.url(f"/bytes/{BODY}/{number}") for number in range(50)]
    with mounted(tmp_path / "disk", options) as disk:
        ended = fetch(urls, disk, connections=20, attempts=3)
        many = sum(one.outcome is Outcome.OK for one in ended)

        assert len(files_below(disk)) == many
        assert (many == 0) == (options == "ro")
        assert whole(disk)
    refused = [one for one in ended if one.outcome is Outcome.SINK]
    assert many + len(refused) == len(urls) > many
    assert {one.attempts for one in refused} == {1}
    assert all(said in one.detail and sentence(one.detail) for one in refused)


def test_a_disk_that_is_emptied_is_written_to_again(fetch, origin, tmp_path):
    """
    The next file may be smaller, or somebody may have made room.
    """
    bodies = [2 * ROOM, BODY, 2 * ROOM, BODY]
    urls = [origin.url(f"/bytes/{size}") for size in bodies]
    with mounted(tmp_path / "disk", f"size={ROOM}") as disk:
        ended = fetch(urls, disk, connections=1)

        assert [str(one.outcome) for one in ended] == ["sink", "ok", "sink", "ok"]
        assert whole(disk)


def test_a_file_where_a_folder_is_due_costs_only_what_belongs_below(
    fetch, origin, tmp_path
):
    (tmp_path / f"127.0.0.1+{origin.port}").write_text("in the way")
    below = [origin.url(f"/bytes/3/{number}") for number in range(5)]
    with Origin() as other:
        beside = [other.url(f"/bytes/3/{number}") for number in range(5)]
        ended = fetch([Item(0, url) for url in below + beside])

    assert [str(one.outcome) for one in ended] == ["sink"] * 5 + ["ok"] * 5
    assert (tmp_path / f"127.0.0.1+{origin.port}").read_text() == "in the way"


def test_a_file_larger_than_permitted_is_an_ending_not_a_signal(
    engine, origin, tmp_path
):
    """
    The form of a full disk that can be had everywhere: SIGXFSZ, or EFBIG.
    """
    urls = [origin.url(f"/bytes/{size}") for size in (1_000, 100_000, 2_000)]
    run = Run(tmp_path, urls)
    with no_file_larger_than(50_000), run.start("--engine", engine):
        status, _ = run.finish()

    assert status == 1, run.err
    assert [run.told()[url]["outcome"] for url in urls] == ["ok", "sink", "ok"]
    assert sorted(path.stat().st_size for path in run.files()) == [1_000, 2_000]


def test_two_bodies_for_one_name_are_not_mixed(fetch, origin, tmp_path):
    """
    A list may name a file twice; one of the two has it in the end, whole.
    """
    bodies = [b"a" * 60_000, b"b" * 50_000]
    heads = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(b) for b in bodies]
    for _ in range(5):
        items = [
            Item(0, origin.saying([head + body[:99], body[99:]]), "same")
            for head, body in zip(heads, bodies, strict=True)
        ]
        ended = fetch(items)

        assert {str(one.outcome) for one in ended} <= {"ok", "sink"}
        assert [path.read_bytes() in bodies for path in files_below(tmp_path)] == [True]
