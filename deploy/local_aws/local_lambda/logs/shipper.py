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
from collections.abc import Awaitable, Callable
from typing import Any

from local_aws.local_lambda.logs.environment_log import EnvironmentLog, Stream

Send = Callable[[str, str, dict[str, Any]], Awaitable[str | None]]
"""Calls CloudWatch Logs: region, operation, parameters -> None or the error's name."""

INTERVAL_S = 0.5
MANY_LINES = 10_000
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
        self._streams: dict[str, set[Stream]] = {}
        self._shipping = asyncio.Lock()
        self._collector = asyncio.create_task(self._collect_for_ever())

    def add(self, log: EnvironmentLog) -> None:
        """Watch a log."""
        self._logs[log.stream] = log
        self._streams.setdefault(log.stream.group, set()).add(log.stream)

    def remove(self, log: EnvironmentLog) -> None:
        """Stop watching a log whose file is about to go; its lines are kept."""
        _collect_all(log)
        del self._logs[log.stream]
        if not log.stream.pending:
            self._streams[log.stream.group].discard(log.stream)

    async def before(self, operation: str, group: str) -> None:
        """Bring CloudWatch Logs up to date before a call of it."""
        for log in self._logs.values():
            _collect_all(log)
        async with self._shipping:
            if operation == "DeleteLogGroup":
                self._forget(group)
            elif operation == "DescribeLogGroups":
                await self._create_groups()
            else:
                await self._ship_all(group)

    async def stop(self) -> None:
        """End the background task."""
        self._collector.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._collector

    async def _collect_for_ever(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            for log in self._logs.values():
                log.collect()
            talkative = [s for s in self._logs if len(s.pending) > MANY_LINES]
            async with self._shipping:
                for stream in talkative:
                    await self._ship(stream)

    def _forget(self, group: str) -> None:
        for stream in self._streams.get(group, ()):
            stream.pending.clear()
            stream.created = False

    async def _create_groups(self) -> None:
        for streams in list(self._streams.values()):
            waiting = [s for s in streams if s.pending and not s.ended]
            if waiting:
                await self._create_group(waiting[0])

    async def _ship_all(self, group: str) -> None:
        streams = self._streams.get(group, set())
        for stream in list(streams):
            await self._ship(stream)
            if stream not in self._logs:
                streams.discard(stream)

    async def _ship(self, stream: Stream) -> None:
        while stream.pending:
            batch = _take_batch(stream.pending)
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


def _collect_all(log: EnvironmentLog) -> None:
    while log.collect():
        continue


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
