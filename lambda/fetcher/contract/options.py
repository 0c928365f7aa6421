"""How to fetch and where bodies go: values no execution could work with are refused."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING

from fetcher.s3.urls import SCHEME, prefix_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Lambda gives an execution 1,024 descriptors; some are files, pipes and the runtime's.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
DESCRIPTORS = 1_024
DESCRIPTORS_KEPT_BACK = 64
DESCRIPTORS_PER_CONNECTION = 2  # the socket, and the file its body goes to
MAX_CONNECTIONS = (DESCRIPTORS - DESCRIPTORS_KEPT_BACK) // DESCRIPTORS_PER_CONNECTION

ENGINES = ("curl", "aiohttp")
SINKS = ("discard", "directory", "s3-tar", "s3-objects")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    How to fetch, the same for every URL of a shard.

    Attributes:
        connections: Downloads in flight at once.

        engine: Which HTTP implementation: one of `ENGINES`.

        attempts: How often a URL is tried while trying again may help.

        connect_timeout_s: Longest wait for a connection, TLS included.

        read_timeout_s: Longest silence once connected.

        total_timeout_s: Longest time for one URL, all attempts and waits included.

        max_bytes: Longest body that is accepted.

        min_bytes_per_s:
            A body that comes slower than this over `read_timeout_s` counts as
            stalled; 0: any pace will do.

        expect_type:
            Start of the Content-Type wanted, as in ``image/``; the body's first bytes
            must not belie it. Empty: any.

        compressed: Whether bodies may travel gzipped; they are kept inflated.

        per_host: Downloads in flight at one host; 0: as many as `connections`.

        host_rate: Requests a second begun at one host; 0: any number.

        respect_robots: Whether a body is refused that X-Robots-Tag reserves.

        allow_private: Whether loopback and private addresses may be contacted.

        allow_s3:
            Whether ``s3://`` URLs are fetched: with the permissions of whoever runs
            this, which those who bring the URLs may not have.

        contact: Put into the User-Agent, so that an origin's owner can reach you.
    """

    connections: int = 100
    engine: str = "curl"
    attempts: int = 3
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 20.0
    total_timeout_s: float = 300.0
    max_bytes: int = 5_000_000_000
    min_bytes_per_s: int = 0
    expect_type: str = ""
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
        if not 1 <= self.connections <= MAX_CONNECTIONS:
            msg = (
                f"connections is {self.connections:,}; it must be from 1 to "
                f"{MAX_CONNECTIONS}: an execution has {DESCRIPTORS:,} descriptors, a "
                "download takes two, and the runtime needs some. Use more executions "
                "instead."
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
        if not self.contact.isprintable():
            msg = f"contact is {self.contact!r}; it must be one line of plain text."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSpec:
    """
    Where bodies go.

    Attributes:
        kind: One of `SINKS`.

        path:
            The directory sink's folder. Empty: a scratch folder in the execution's
            own temporary storage (``/tmp`` on Lambda), removed with the shard. For
            sinks in S3, what all keys begin with: ``s3://bucket/prefix``.
    """

    kind: str = "directory"
    path: str = ""

    def __post_init__(self) -> None:
        """Refuse kinds there are none of."""
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


def check_seconds(name: str, seconds: float) -> None:
    """
    Refuse a length of time that no clock could wait.

    Raises:
        ValueError: Naming what it is, and the value.
    """
    if not (seconds > 0 and math.isfinite(seconds)):
        msg = f"{name} is {seconds}; it must be more than 0 s, and finite."
        raise ValueError(msg)


def check_types(settings: DataclassInstance) -> None:
    """
    Refuse dataclass fields of another type than their default's.

    Papermill, JSON and YAML all let a string stand where a number is due. A field
    without a plain default is left to its class.

    Raises:
        TypeError: Naming the field, its value and the type it must have.
    """
    for item in fields(settings):
        if item.default is MISSING:
            continue
        value, wanted = getattr(settings, item.name), type(item.default)
        whole_for_float = wanted is float and type(value) is int
        if type(value) is not wanted and not whole_for_float:
            msg = (
                f"{item.name} is {value!r}, of type {type(value).__name__}; "
                f"it must be of type {wanted.__name__}, like {item.default!r}."
            )
            raise TypeError(msg)


def check_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """
    Refuse a value that is not in the list.

    Raises:
        ValueError: Naming what it is, the value, and the list.
    """
    if value not in allowed:
        msg = f"{name} is {value!r}; it must be one of: {', '.join(allowed)}."
        raise ValueError(msg)
