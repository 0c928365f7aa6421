"""
Shipping of functions' output to CloudWatch Logs.

Lines are collected as they are written but sent only before a call of CloudWatch Logs.
No caller can tell: all calls pass through this endpoint. Sending at once would cost
moto 5 ms of CPU for every environment, on the very machine that is being measured.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from local_aws.local_lambda.logs.environment_log import EnvironmentLog, Stream

Send = Callable[[str, str, dict[str, Any]], Awaitable[str | None]]
"""Calls CloudWatch Logs: region, operation, parameters -> None or the error's name."""

INTERVAL_S = 0.5
MANY_LINES = 10_000
_LAST_LINES = 200_000  # of a log that goes; they are read in 0.2 s
_Group = tuple[str, str]  # region and name
_MISSING = "ResourceNotFoundException"

# PutLogEvents carries 10,000 events and 1 MB, each event counting 26 bytes more.
_BATCH_EVENTS = 10_000
_BATCH_BYTES = 1_048_576
_EVENT_OVERHEAD = 26

_logger = logging.getLogger(__name__)


class LogShipper:
    """
    The logs of all environments.

    Lines not yet sent at the end are dropped: moto's memory ends with the endpoint.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._logs: dict[Stream, EnvironmentLog] = {}
        self._streams: dict[_Group, set[Stream]] = {}
        self._shipping = asyncio.Lock()
        self._collector = asyncio.create_task(self._collect_for_ever())

    def add(self, log: EnvironmentLog) -> None:
        """Watch a log."""
        self._logs[log.stream] = log
        self._streams.setdefault(_group_of(log.stream), set()).add(log.stream)

    def remove(self, log: EnvironmentLog) -> None:
        """Stop watching a log whose file is about to go; its lines are kept."""
        while len(log.stream.pending) < _LAST_LINES and log.collect():
            continue
        if len(log.stream.pending) >= _LAST_LINES:
            log.drop()
        del self._logs[log.stream]
        if not log.stream.pending:
            self._streams[_group_of(log.stream)].discard(log.stream)

    async def before(self, operation: str, region: str, groups: Sequence[str]) -> None:
        """Bring CloudWatch Logs up to date before a call of it."""
        if operation == "DescribeLogGroups":
            await self._create_groups(region)
        if operation == "StartQuery" and not groups:  # the query itself names them
            groups = [name for where, name in self._streams if where == region]
        for group in groups:
            if operation == "DeleteLogGroup":
                async with self._shipping:
                    self._forget(region, group)
            else:
                await self._ship_all(region, group)

    async def stop(self) -> None:
        """End the background task."""
        self._collector.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._collector

    async def _collect_for_ever(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            for stream in list(self._logs):
                await self._catch_up(stream, keep=MANY_LINES)

    async def _catch_up(self, stream: Stream, keep: int) -> None:
        """
        Collect what a log has by now, however fast its function goes on printing.

        Args:
            stream: Where its lines go.

            keep: With more lines than these, all are sent.
        """
        left = None
        while log := self._logs.get(stream):  # until it is removed
            taken = log.collect()
            if len(stream.pending) > keep:
                await self._ship(stream)
            if not taken:
                return
            left = log.backlog if left is None else left - taken
            if left <= 0:
                return
            await asyncio.sleep(0)

    def _forget(self, region: str, group: str) -> None:
        for stream in self._streams.get((region, group), ()):
            if stream in self._logs:
                self._logs[stream].skip()
            stream.pending.clear()
            stream.created = False

    async def _create_groups(self, region: str) -> None:
        for (where, _), streams in list(self._streams.items()):
            if where == region:
                waiting = (s for s in streams if not s.ended and self._has_lines(s))
                if stream := next(waiting, None):
                    async with self._shipping:
                        await self._create_group(stream)

    def _has_lines(self, stream: Stream) -> bool:
        log = self._logs.get(stream)
        return bool(stream.pending or (log and log.collect() and stream.pending))

    async def _ship_all(self, region: str, group: str) -> None:
        streams = self._streams.get((region, group), set())
        for stream in list(streams):
            await self._catch_up(stream, keep=0)
            await self._ship(stream)
            if stream not in self._logs:
                streams.discard(stream)

    async def _ship(self, stream: Stream) -> None:
        """Send all lines; wait also for a batch that is being sent already."""
        more = True
        while more:
            async with self._shipping:  # calls about other groups wait for one batch
                if batch := _take_batch(stream.pending):
                    await self._ship_batch(stream, batch)
            more = bool(stream.pending)

    async def _ship_batch(self, stream: Stream, batch: list[dict[str, Any]]) -> None:
        problem = await self._put(stream, batch)
        if problem == _MISSING and not stream.ended:
            await self._create_group(stream)
            problem = await self._put(stream, batch)
        if problem and not stream.ended:
            lost = "%d lines of %s are lost: CloudWatch Logs says %s"
            _logger.warning(lost, len(batch), stream.group, problem)

    async def _put(self, stream: Stream, batch: list[dict[str, Any]]) -> str | None:
        names = {"logGroupName": stream.group, "logStreamName": stream.name}
        if not stream.created:
            problem = await self._send(stream.region, "CreateLogStream", names)
            if problem:
                return problem
            stream.created = True
        events = {**names, "logEvents": batch}
        return await self._send(stream.region, "PutLogEvents", events)

    async def _create_group(self, stream: Stream) -> None:
        """Make the group; one that exists keeps its retention."""
        group = {"logGroupName": stream.group}
        await self._send(stream.region, "CreateLogGroup", group)


def _group_of(stream: Stream) -> _Group:
    return stream.region, stream.group


def _take_batch(pending: deque[tuple[int, str]]) -> list[dict[str, Any]]:
    batch: list[dict[str, Any]] = []
    room = _BATCH_BYTES
    while pending and len(batch) < _BATCH_EVENTS:
        moment, text = pending[0]
        room -= len(text.encode()) + _EVENT_OVERHEAD
        if room < 0:
            break
        pending.popleft()
        batch.append({"timestamp": moment, "message": text})
    return batch
