"""Store of one job: JSON documents in a bucket, some of them written once."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from fetcher.s3.connection import Connection
from fetcher.s3.credentials import S3Credentials
from fetcher.s3.errors import LateError, S3Error
from fetcher.s3.listing import pages_below
from fetcher.s3.senders import Senders
from fetcher.s3.urls import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

JOBS = "jobs"  # what the keys of all documents begin with

_READERS = 16
_IF_FIRST = {"if-none-match": "*"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
_CONTENTS = re.compile(
    r"<Contents>.*?<Key>(.*?)</Key>.*?<LastModified>(.*?)</LastModified>.*?</Contents>",
    re.DOTALL,
)


class Entry(NamedTuple):
    """A document as a listing shows it."""

    name: str
    age_s: float


class Store:
    """
    Documents of a job. A context; methods raise `S3Error` when S3 fails.

    Args:
        until: When to give up, on the monotonic clock.
    """

    def __init__(self, bucket: str, job: str, until: float) -> None:
        self._credentials = S3Credentials.from_environment()
        self._connection = Connection(self._credentials)
        self._bucket = Place(bucket, "")
        self._prefix = f"{JOBS}/{job}/"
        self.until = until

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """Return a document; None if there is none."""
        return self._get(self._connection, name)

    def get_all(self, names: Iterable[str]) -> dict[str, Any]:
        """Return documents by their names, read several at a time."""
        found: dict[str, Any] = {}
        readers = Senders(self._credentials, _READERS)

        def read(name: str, connection: Connection) -> None:
            found[name] = self._get(connection, name)

        try:
            for name in names:
                readers.submit(partial(read, name), b"")
            if not readers.wait(self.until):
                msg = "the documents were not read in time"
                raise LateError(msg, str(self._bucket.below(self._prefix)))
        finally:
            readers.close()
        return found

    def put(self, name: str, document: object) -> None:
        """Write a document, replacing the one that is there."""
        self._put(name, document, {})

    def create(self, name: str, document: object) -> bool:
        """Write a document if there is none; return whether the one there is this."""
        while True:
            try:
                self._put(name, document, _IF_FIRST)
            except S3Error as error:
                if error.code not in _TAKEN:
                    raise
                # If a response is lost, the retry finds the document there.
                if (there := self.get(name)) is not None:
                    return bool(there == document)
            else:
                return True

    def list(self, beginning: str) -> list[Entry]:
        """Return the documents whose names begin like this, sorted by name."""
        prefix = self._bucket._replace(key=self._prefix + beginning)
        found = []
        for text in pages_below(self._connection, prefix, self.until):
            now = time.time()
            for key, modified in _CONTENTS.findall(text):
                age_s = now - datetime.fromisoformat(modified).timestamp()
                found.append(Entry(key.removeprefix(self._prefix), age_s))
        return found

    def _place(self, name: str) -> Place:
        return self._bucket.below(self._prefix + name)

    def _get(self, connection: Connection, name: str) -> Any:  # noqa: ANN401
        try:
            answer = connection.request("GET", self._place(name), until=self.until)
        except S3Error as error:
            if error.code != "NoSuchKey":
                raise
            return None
        return json.loads(answer.body)

    def _put(self, name: str, document: object, headers: dict[str, str]) -> None:
        body = json.dumps(document, separators=(",", ":")).encode()
        self._connection.request(
            "PUT", self._place(name), headers=headers, body=body, until=self.until
        )
