"""Functions' logs: their files, their lines in CloudWatch Logs, and too many."""

import asyncio
import errno
import os
import threading

import pytest
from tests.support.waiting import eventually

from local_aws.local_lambda.logs import environment_log, shipper
from local_aws.local_lambda.logs.environment_log import EnvironmentLog, Stream
from local_aws.local_lambda.logs.shipper import LogShipper

HERE, THERE = "us-east-1", "eu-west-1"


@pytest.fixture
def log_of(tmp_path):
    """Make the log of a group's stream."""
    return lambda region, group: EnvironmentLog(
        tmp_path / f"{region}-{group}", Stream(region, group, "s")
    )


@pytest.fixture
def log(log_of):
    return log_of(HERE, "g")


@pytest.fixture
def sent():
    """What was sent to CloudWatch Logs: pairs of an operation and its parameters."""
    return []


@pytest.fixture
def ship(sent):
    """Ship logs for as long as a coroutine runs that gets the shipper."""

    async def send(region, operation, parameters):
        sent.append((region, operation, parameters))

    async def shipping(during, logs):
        ships = LogShipper(send)
        for log in logs:
            ships.add(log)
        try:
            await during(ships)
        finally:
            await ships.stop()

    return lambda during, *logs: asyncio.run(shipping(during, logs))


def texts(log):
    return [text for _, text in log.stream.pending]


def test_the_tail_is_whole_when_its_file_becomes_full(log, monkeypatch):
    monkeypatch.setattr(environment_log, "_FULL_BYTES", 100)
    start = log.write("START\n")
    with log.path.open("a") as file:
        file.write("x" * 200 + "\n")
    log.write("END\nREPORT\n", is_last=True)

    assert log.tail(start).endswith(b"x\nEND\nREPORT\n")
    log.collect()
    assert log.path.stat().st_size == 0


def test_a_line_that_cannot_be_written_is_lost_and_warned_of_once(
    log, monkeypatch, caplog
):
    """A full disk must not fail invocations, too."""

    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    environment_log._warn_of_lost_lines.cache_clear()
    log.write("kept\n", is_last=True)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for _ in range(2):
            log.write("lost\n", is_last=True)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        log.path.write_text("kept\nand more\n")
        assert (log.collect(), log.tail(0)) == (0, b"")
    log.collect()

    assert texts(log) == ["kept", "and more"]
    (warning,) = caplog.messages
    assert warning.endswith("are lost: No space left on device.")


def test_a_function_that_prints_without_end_holds_up_nothing(log, ship, monkeypatch):
    """What it has printed by then is collected, and not what it prints meanwhile."""
    monkeypatch.setattr(environment_log, "_CHUNK_BYTES", 1_000)
    printed, turns = [], []

    def collect():
        taken = collect_really()
        with log.path.open("a") as file:
            file.write("more\n" * 400)
        printed.append(taken)
        assert len(printed) < 100
        return taken

    collect_really = log.collect
    log.collect = collect
    log.path.write_text("line\n" * 1_000)

    async def count_turns():
        while True:
            turns.append(len(printed))
            await asyncio.sleep(0)

    async def filter_events(ships):
        counting = asyncio.create_task(count_turns())
        await ships.before("FilterLogEvents", HERE, ["g"])
        counting.cancel()

    ship(filter_events, log)

    assert 5 <= len(printed) < 20
    assert len(set(turns)) > 3


def test_what_is_too_much_is_dropped_with_a_word_about_it(log, monkeypatch):
    monkeypatch.setattr(environment_log, "_BACKLOG_BYTES", 1_000)
    log.path.write_text("line\n" * 300)
    log.collect()
    log.write("then\n", is_last=True)

    word, then = texts(log)
    assert word.startswith("[local Lambda] 1,500 bytes are lost: the function printed")
    assert then == "then"
    assert log.path.stat().st_size == len("then\n")


def test_of_a_log_that_goes_no_more_is_read_than_takes_a_moment(log, ship, monkeypatch):
    monkeypatch.setattr(environment_log, "_CHUNK_BYTES", 1_000)
    monkeypatch.setattr(shipper, "_LAST_LINES", 300)
    log.path.write_text("line\n" * 10_000)

    async def remove(ships):
        ships.remove(log)

    ship(remove, log)

    assert len(log.stream.pending) == 401
    assert texts(log)[-1].startswith("[local Lambda] 48,000 bytes are lost")


def test_groups_of_the_same_name_in_two_regions_are_two(log_of, ship, sent):
    here, there, ended = log_of(HERE, "g"), log_of(THERE, "g"), log_of(THERE, "e")
    ended.stream.ended = True  # its function is deleted, and its group may be

    async def delete_here(ships):
        for log in (here, there, ended):
            log.write("line\n", is_last=True)
        await ships.before("DeleteLogGroup", HERE, ["g"])
        await ships.before("DescribeLogGroups", HERE, [])
        assert sent == []
        await ships.before("DescribeLogGroups", THERE, [])

    ship(delete_here, here, there, ended)

    assert sent == [(THERE, "CreateLogGroup", {"logGroupName": "g"})]
    assert (texts(here), texts(there)) == ([], ["line"])


@pytest.mark.parametrize("named", [["h"], []], ids=["one", "those-of-the-query"])
def test_a_query_finds_what_was_printed_before_it(log_of, ship, sent, named):
    logs = [log_of(HERE, "g"), log_of(HERE, "h")]

    for log in logs:
        log.write("line\n", is_last=True)
    ship(lambda ships: ships.before("StartQuery", HERE, named), *logs)
    put = [more["logGroupName"] for _, what, more in sent if what == "PutLogEvents"]

    assert sorted(put) == (named or ["g", "h"])


def test_lines_are_collected_again_after_files_could_not_be_opened(
    log, ship, sent, monkeypatch
):
    """What failed once ended the collecting for good, and then stopping failed."""
    monkeypatch.setattr(shipper, "INTERVAL_S", 0.001)
    monkeypatch.setattr(shipper, "MANY_LINES", 0)
    failed, opened = threading.Event(), os.open

    def open_(path, *args, **more):
        if path == log.path and not failed.is_set():
            failed.set()
            raise OSError(errno.EMFILE, "too many")
        return opened(path, *args, **more)

    async def wait(_):
        await asyncio.to_thread(eventually, lambda: sent)

    log.path.write_text("line\n")
    monkeypatch.setattr(os, "open", open_)
    ship(wait, log)

    assert failed.is_set()
