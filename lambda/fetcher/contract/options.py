"""Settings of a download: how to fetch, and where bodies go."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Lambda gives an execution 1,024 descriptors; some are files, pipes and the runtime's.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
DESCRIPTORS = 1_024
DESCRIPTORS_KEPT_BACK = 64
DESCRIPTORS_PER_CONNECTION = 2  # the socket, and the file its body goes to
MAX_CONNECTIONS = (DESCRIPTORS - DESCRIPTORS_KEPT_BACK) // DESCRIPTORS_PER_CONNECTION
# Elsewhere, `ulimit -n` decides; no process has a use for more.
MOST_DESCRIPTORS = 16_384
MOST_CONNECTIONS = (
    MOST_DESCRIPTORS - DESCRIPTORS_KEPT_BACK
) // DESCRIPTORS_PER_CONNECTION

# https://www.iana.org/assignments/media-types; empty: any
_TOP_LEVEL_TYPES = ("", "application", "audio", "font", "image", "text", "video")
ENGINES = ("curl", "aiohttp")
LAYOUTS = ("host", "flat", "hash")  # of a folder: see `fetcher.sinks.layouts`
SHARDS = ("tar",)  # what a folder holds instead of files
RETRIES = ("healable", "failed", "all", "none")  # which rows of an earlier report
SINKS = ("discard", "directory", "s3-tar", "s3-objects")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    How to fetch, the same for every URL of a shard.

    The times fit lists of real URLs, of which a quarter lead nowhere. On such lists, of
    4,000 URLs at 1,133 hosts and of 20,000, hosts took up to 2 s to answer, and not one
    good file was lost to 5 s for a connection, 8 s of silence, two tries and 30 s for a
    URL; with 10 s, 20 s, three tries and 300 s, silent hosts held 85 % of all
    connection time, and the list took more than 215 s instead of 56.

    >>> Options(connections=200, expect_type="image/").attempts
    3

    Attributes:
        connections:
            Downloads at work at once; one that is silent makes room. 0: as many as are
            of use, which is found out while downloading: see
            `fetcher.transfer.flow.adaptive_limit`.

        engine: HTTP implementation: one of `ENGINES`.

        attempts:
            Tries for each URL, as long as another may help; at most two where nothing
            comes. Each process of a run or execution makes at most 100 more retries
            than it tries URLs, which spares an origin in trouble; those of a host that
            asked us to slow down do not count.

        connect_timeout_s:
            Longest wait for a connection, TLS included; before it, as long for the
            host's address.

        read_timeout_s: Longest silence once connected.

        total_timeout_s:
            Longest time for one URL, all attempts and the waits between them included;
            waiting for its turn does not count. A body whose length is promised may
            take a second more for each `min_bytes_per_s` that come, any other at most
            five times as long as this.

        max_bytes: Longest body accepted.

        min_bytes_per_s:
            A body slower than this over `read_timeout_s` counts as stalled; 0: none
            is too slow, and `total_timeout_s` never grows. At 1,000 a picture of 60 kB
            takes a minute; who drips a byte a second is found out.

        expect_type:
            Start of the type expected, as in ``image``. A body's first bytes decide,
            or where they show no type, its Content-Type. Empty: any.

        sha256:
            Whether the digest of every body is taken, and goes where the URL's outcome
            is written: the report of the command, and the JSON beside a body in a tar.

        compressed:
            Whether bodies are asked for compressed. They are always stored inflated.

        per_host:
            Downloads in flight at one host and port; 0: as many as `connections`.

        host_rate: Requests a second started at one host and port; 0: no limit.

        respect_robots: Whether bodies that X-Robots-Tag reserves are refused.

        allow_private: Whether loopback and private addresses may be contacted.

        allow_s3:
            Whether ``s3://`` URLs are fetched: with the permissions of the process,
            which the author of the list may not have.

        contact: Sent in the User-Agent, so that an origin's owner can reach you.
    """

    connections: int = 0
    engine: str = "curl"
    attempts: int = 3
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    total_timeout_s: float = 60.0
    max_bytes: int = 5_000_000_000
    min_bytes_per_s: int = 1_000
    expect_type: str = ""
    sha256: bool = False
    compressed: bool = False
    per_host: int = 0
    host_rate: float = 0.0
    respect_robots: bool = False
    allow_private: bool = False
    allow_s3: bool = False
    contact: str = ""

    def __post_init__(self) -> None:
        """Refuse values no execution could work with."""
        check_types(self)
        if not 0 <= self.connections <= MOST_CONNECTIONS:
            msg = (
                f"connections is {self.connections:,}; it must be from 1 to "
                f"{MOST_CONNECTIONS:,}, or 0 to adapt to the origin."
            )
            raise ValueError(msg)
        for name in ("attempts", "max_bytes"):
            if getattr(self, name) < 1:
                msg = f"{name} is {getattr(self, name)}; it must be at least 1."
                raise ValueError(msg)
        for name in ("min_bytes_per_s", "per_host", "host_rate"):
            if not 0 <= getattr(self, name) < math.inf:
                msg = (
                    f"{name} is {getattr(self, name)}; it must be 0 (no limit) or more."
                )
                raise ValueError(msg)
        for name in ("connect_timeout_s", "read_timeout_s", "total_timeout_s"):
            check_seconds(name, getattr(self, name))
        check_one_of("engine", self.engine, ENGINES)
        if self.expect_type.partition("/")[0].lower() not in _TOP_LEVEL_TYPES:
            msg = (
                f"expect_type is {self.expect_type!r}; it must be a type, as in "
                "image/png, or what a type begins with, as in image."
            )
            raise ValueError(msg)
        if not (self.contact.isascii() and self.contact.isprintable()):
            msg = (
                f"contact is {self.contact!r}; it must be one line of plain text in "
                "ASCII, as HTTP headers are. Leave out accents."
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSpec:
    """
    Where bodies go.

    >>> SinkSpec(kind="s3-tar", path="s3://bucket/photos").is_in_s3
    True

    Attributes:
        kind: One of `SINKS`.

        path:
            Folder of the directory sink. Empty: a scratch folder in the execution's
            own temporary storage (``/tmp`` on Lambda), removed with the shard. For
            sinks in S3, the prefix of all keys: ``s3://bucket/prefix``.
    """

    kind: str = "directory"
    path: str = ""

    def __post_init__(self) -> None:
        """Refuse unknown kinds, and paths that do not fit."""
        from fetcher.s3.urls import SCHEME, prefix_of  # noqa: PLC0415 - `fetcher --help`

        check_types(self)
        check_one_of("sink", self.kind, SINKS)
        if self.is_in_s3:
            prefix_of(self.path)
        elif self.path.startswith(SCHEME):
            msg = (
                f"The {self.kind} sink's path is {self.path}, in S3; use the sink "
                "s3-tar or s3-objects there."
            )
            raise ValueError(msg)

    @property
    def is_in_s3(self) -> bool:
        """Whether bodies go to S3."""
        return self.kind.startswith("s3-")

    @property
    def keeps_columns(self) -> bool:
        """Whether it keeps what rows carry along, beside their bodies."""
        return self.kind == "s3-tar"


def check_seconds(name: str, seconds: float) -> None:
    """
    Refuse a duration that is not positive and finite.

    Raises:
        ValueError: Naming the setting and its value.
    """
    if not (seconds > 0 and math.isfinite(seconds)):
        msg = f"{name} is {seconds}; it must be more than 0 s, and finite."
        raise ValueError(msg)


def check_types(settings: DataclassInstance) -> None:
    """
    Refuse dataclass fields whose type is not that of their default.

    Papermill, JSON and YAML all accept a string in place of a number. A field without
    a plain default is left to its class.

    Raises:
        TypeError: Naming the field, its value and the type it must have.
    """
    for item in fields(settings):
        if item.default is MISSING:
            continue
        value, expected = getattr(settings, item.name), type(item.default)
        if type(value) is int and expected is float:
            continue
        if type(value) is not expected:
            msg = (
                f"{item.name} is {value!r}, of type {type(value).__name__}; "
                f"it must be of type {expected.__name__}, like {item.default!r}."
            )
            raise TypeError(msg)


def check_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """
    Refuse a value that is not in the list.

    Raises:
        ValueError: Naming the setting, its value, and the list.
    """
    if value not in allowed:
        msg = f"{name} is {value!r}; it must be one of: {', '.join(allowed)}."
        raise ValueError(msg)
