"""Documents of a job: its request, its plan, and the results of its rounds."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from fetcher.contract.options import SinkSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCHEMA = 1  # raise when a document changes meaning; readers refuse other numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    A job as it was requested.

    Attributes:
        id: The job's, 32 hex digits.

        digest: Identifies its request.

        manifest: Where its list is in S3; empty: the list came with the request.

        options: How they are fetched: those of `fetcher.contract.options.Options` that
            the caller chose.

        created_at: When, in seconds since 1970.
    """

    id: str
    digest: str
    manifest: str
    sink: SinkSpec
    options: Mapping[str, Any]
    created_at: float = field(default_factory=time.time)

    @property
    def created(self) -> str:
        """When it was created, as JSON schemas spell it."""
        return datetime.fromtimestamp(int(self.created_at), UTC).isoformat()

    def to_dict(self) -> dict[str, Any]:
        """Return the job as a document."""
        return {"schema": _SCHEMA, **asdict(self)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Job:
        """
        Read a job back.

        Raises:
            ValueError: If it is of another schema.
        """
        values = dict(document)
        schema = values.pop("schema")
        if schema != _SCHEMA:
            msg = (
                f"The job has schema {schema!r}; this function speaks {_SCHEMA}. Let "
                "jobs end before another version of the function is deployed."
            )
            raise ValueError(msg)
        return cls(**values | {"sink": SinkSpec(**values["sink"])})


class JobPlan(NamedTuple):
    """
    Division of a job into slices.

    Attributes:
        lanes: How many executions may work at once.

        problem: Why there can be no plan; empty: there is one.
    """

    urls: int = 0
    slices: int = 0
    lanes: int = 0
    problem: str = ""


class RoundResult(NamedTuple):
    """
    Result of one round of a slice.

    Attributes:
        attempt: The one whose report counts.

        is_last: Whether nothing of the slice is left for another round.

        counts: URLs by outcome; those left for another round do not count.
    """

    attempt: int
    is_last: bool
    counts: dict[str, int]
    body_bytes: int


def slice_name(index: int) -> str:
    """
    Return a slice's name in documents' names, which sort like their numbers.

    >>> slice_name(12)
    '000012'
    """
    return f"{index:06}"


def round_name(index: int, round_: int) -> str:
    """
    Return the name of a round of a slice.

    >>> round_name(12, 0)
    '000012-00'
    """
    return f"{slice_name(index)}-{round_:02}"
