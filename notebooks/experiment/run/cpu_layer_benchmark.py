"""The worker's CPU time, layer by layer, and its lower bound."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import pandas as pd
import pycurl

from experiment.run.machine_load import Load
from fetcher.contract.download_results import Downloads
from fetcher.contract.options import Options
from fetcher.contract.template_source import Template
from fetcher.sinks.discard import Discard
from fetcher.sinks.temporary_directory import Scratch
from fetcher.transfer.flow.adaptive_limit import FIRST
from fetcher.transfer.scheduler import Scheduler, engine_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiment.parameters.fan_out import FanOutSettings
    from experiment.session import Session
    from fetcher.transfer.sink import Sink

LIBCURL, ENGINE = "libcurl and the network", "engine, checks and account"
SINK, REPORT, CLIENT = "files written and removed", "report", "wrk"
ALONE, FLOOR = "worker alone", "wrk, nothing kept"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - as an execution's /tmp, a tmpfs
_MOST_FILES = 20_000  # for each layer
_PAGES_BYTES = 8_192  # at most what a tmpfs takes for a file beside its bytes
_DEADLINE_S = 120.0
_WRK_S = 2
_SELECT_S = 0.1
_REQUESTS = re.compile(r"(\d+) requests in")


def cpu_costs(session: Session, settings: FanOutSettings) -> dict[str, pd.Series]:
    """
    Measure what a file costs outside a run, where nginx serves this machine.

    Returns:
        CPU microseconds per file by part, for the worker alone, unless its sink is in
        S3, and for the lower bound if wrk is installed. Nothing if files come from
        elsewhere.
    """
    if not session.nginx or session.target.name != "local":
        return {}
    template = session.template(settings)
    files = min(settings.files, _MOST_FILES, _room(settings.file_kb * 1_000))
    connections, costs = settings.connections or FIRST, {}
    if not settings.sink_spec().is_in_s3:
        how = {"engine": settings.engine, "sink": settings.sink}
        costs[ALONE] = layers(template, files, connections, **how)
    lower = floor(template.format(number=0), connections)
    return costs if lower is None else costs | {FLOOR: lower}


def missing_tool(session: Session) -> str:
    """Say in a line what is missing for `cpu_costs`; empty: nothing."""
    if session.nginx and not shutil.which("wrk"):
        return "wrk is not installed: the chart of CPU shows no floor"
    return ""


def layers(
    template: str,
    files: int,
    connections: int,
    *,
    engine: str = "curl",
    sink: str = "directory",
) -> pd.Series:
    """
    Measure what each layer of the worker adds to the cost of a file.

    Returns:
        CPU microseconds per file by layer, in this process.
    """
    options = Options(connections=connections, engine=engine, allow_private=True)
    seconds = [_libcurl_s(template, files, connections)]
    with _scratch_in_memory():
        sinks = (Discard(),) if sink == "discard" else (Discard(), Scratch())
        for kind in sinks:
            began = process_time()
            downloads = _download(template, files, kind, options)
            seconds.append(process_time() - began)
    if (ok := downloads.tally().ok) != files:
        msg = f"{files - ok:,} of {files:,} files failed, so no file's cost is known."
        raise ConnectionError(msg)
    began = process_time()
    json.dumps(downloads.to_dict())
    report_s = process_time() - began
    libcurl_s, discarded_s, *_ = seconds
    cost = {
        LIBCURL: libcurl_s,
        ENGINE: discarded_s - libcurl_s,
        SINK: seconds[-1] - discarded_s,
        REPORT: report_s,
    }
    return pd.Series(cost).clip(lower=0) / files * 1e6


def floor(url: str, connections: int) -> pd.Series | None:
    """
    Measure the least a file can cost: wrk discards what an origin of ours serves.

    Returns:
        CPU microseconds per file of the origin and of wrk; None: wrk is not installed.
    """
    wrk = shutil.which("wrk")
    if not wrk:
        return None
    before = _children_s()
    with Load() as load:
        done = subprocess.run(
            [wrk, "-t1", f"-c{connections}", f"-d{_WRK_S}s", url],
            capture_output=True,
            text=True,
            check=True,
        )
    requests = _REQUESTS.search(done.stdout)
    assert requests, done.stdout
    origin = load.table()["origin"]
    cost = {"origin": origin.iloc[-1] - origin.iloc[0], CLIENT: _children_s() - before}
    return pd.Series(cost) / int(requests[1]) * 1e6


def _room(file_bytes: int) -> int:
    """Return how many files fill half of the room for scratch files, at least one."""
    with _scratch_in_memory():
        free = shutil.disk_usage(tempfile.gettempdir()).free
    return max(1, free // 2 // (file_bytes + _PAGES_BYTES))


@contextmanager
def _scratch_in_memory() -> Iterator[None]:
    """Keep scratch files in memory, as an execution's /tmp is."""
    before = tempfile.tempdir
    if os.access(_IN_MEMORY, os.W_OK):
        tempfile.tempdir = str(_IN_MEMORY)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _download(template: str, files: int, sink: Sink, options: Options) -> Downloads:
    downloads = Downloads(files)
    try:
        Scheduler(
            Template(template, ((0, files),)),
            sink,
            options,
            lambda index, _, download: downloads.__setitem__(index, download),
        ).run(engine_for(options), _DEADLINE_S)
    finally:
        sink.close()
    return downloads


def _libcurl_s(template: str, files: int, connections: int) -> float:
    """Return the CPU seconds of a minimal loop that discards bodies."""
    began = process_time()
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, connections)
    free = [pycurl.Curl() for _ in range(connections)]
    for handle in free:
        handle.setopt(pycurl.WRITEFUNCTION, len)
    numbers, left = iter(range(files)), files
    while left:
        while free and (number := next(numbers, None)) is not None:
            handle = free.pop()
            handle.setopt(pycurl.URL, template.format(number=number))
            multi.add_handle(handle)
        multi.perform()
        _, done, failed = multi.info_read()
        if failed:
            raise ConnectionError(failed[0][2])
        for handle in done:
            multi.remove_handle(handle)
        free += done
        left -= len(done)
        if not done:
            multi.select(_SELECT_S)
    for handle in free:
        handle.close()
    multi.close()
    return process_time() - began


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
