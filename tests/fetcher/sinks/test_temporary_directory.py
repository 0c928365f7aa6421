"""Scratch folders: gone with their shard, or with the next one."""

import gc
import os
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from tests.support.engine_jobs import files_below

from fetcher.contract.options import Options
from fetcher.contract.source import Item
from fetcher.contract.template_source import Template
from fetcher.sinks.temporary_directory import Scratch
from fetcher.transfer.scheduler import Scheduler


def keep(sink, destination):
    return sink.keep(Item(0, "http://h/a", destination), [b"xy", b"z"])


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_bodies_are_kept_until_a_scratch_folder_is_closed(temporary):
    sink, other = Scratch(), Scratch()
    writer = sink.open(Item(0, "http://h/a", "parts"))
    writer.write([b"xy"])
    writer.write([b"z"])
    paths = [writer.commit(), keep(sink, "a/b")]
    other.close()

    assert [Path(path).read_bytes() for path in paths] == [b"xyz", b"xyz"]
    sink.close()
    assert list(temporary.iterdir()) == []


def _killed_at_work(folder):
    tempfile.tempdir = folder
    keep(Scratch(), "b")
    os.kill(os.getpid(), signal.SIGKILL)


def test_leftovers_of_a_killed_shard_go_when_the_next_begins(temporary):
    """
    Lambda keeps /tmp when it kills an execution; its room is limited.
    """
    pid = os.fork()
    if not pid:
        _killed_at_work(str(temporary))
    os.waitpid(pid, 0)
    left = files_below(temporary)
    sink = Scratch()

    assert len(left) == 1
    assert files_below(temporary) == []
    sink.close()


def test_closing_a_scratch_folder_that_is_gone_is_no_error(temporary):
    sink = Scratch()
    next(temporary.iterdir()).rmdir()
    sink.close()

    assert list(temporary.iterdir()) == []


def test_what_others_put_into_temporary_storage_is_neither_waited_for_nor_followed(
    temporary,
):
    """
    A FIFO's other end may never be opened, and a link may lead to anything.
    """
    os.mkfifo(temporary / "fetcher-shard-fifo")
    (temporary / "shard-of-mine").mkdir()
    (temporary / "fetcher-shard-link").symlink_to(temporary / "shard-of-mine")
    Scratch().close()

    assert (temporary / "shard-of-mine").is_dir()


class Instant:
    """An engine whose files are there at once, and that has calls counted."""

    def __init__(self):
        self.calls = Counter()

    def run(self, work, _deadline_s):
        gc.disable()  # what it frees may call more
        sys.setprofile(self._count)
        try:
            while attempt := work.next():
                attempt.body.begin(200, "image/jpeg", 10_000)
                work.ended(attempt, attempt.body.finish([bytes(10_000)]))
        finally:
            sys.setprofile(None)
            gc.enable()

    def _count(self, _frame, event, function):
        if event == "call":
            self.calls["Python"] += 1
        elif event == "c_call" and function.__module__ == "posix":
            self.calls[function.__name__] += 1


@pytest.mark.usefixtures("temporary")
def test_a_small_file_takes_three_system_calls_and_few_steps():
    """
    A million files of 10 kB are as quick as this path is short.
    """
    engine, sink, ended = Instant(), Scratch(), []
    files = Template("http://h/{number}", ((0, 100),))
    options = Options(connections=1)
    Scheduler(files, sink, options, lambda *one: ended.append(one)).run(engine, 60.0)
    sink.close()

    assert [one.outcome for *_, one in ended] == ["ok"] * 100
    steps = engine.calls.pop("Python") / 100
    assert engine.calls == {"open": 100, "writev": 100, "close": 100}
    assert steps < 42  # of Python functions; there were 35 when this was written
