"""The sink that a person asks for: a folder, tars, or a bucket."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from fetcher.contract.options import LAYOUTS
from fetcher.s3.urls import SCHEME, prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fetcher.sinks.resumable_sink import ResumableSink

_TAR = ".tar"


def destination(
    to: str,
    *,
    layout: str = "",
    shards: str = "",
    beside: bool = False,
    report: Path | None = None,
    lists: Iterable[str] = (),
    count: int,
    deadline_s: float,
) -> ResumableSink:
    """
    Return the sink for a place.

    Args:
        to: A folder; a tar on this machine, whose name ends in ``.tar``; or
            ``s3://bucket/prefix``.

        layout: Of a folder, one of `LAYOUTS`; empty: the first.

        shards: ``tar`` for tars in a folder, or below a prefix, instead of files.

        beside: Whether what is known of a file goes beside it; in tars, it always does.

        report: Where the run's report is to be; no body in a folder gets its name, and
            no tar or index may have it.

        lists: Names of the files that the list is read from; no body gets them.

        count: How many files there will be at most; of use with the layout ``hash``.

        deadline_s: Seconds for what is looked up in S3 first. Then set the sink's
            `until`.

    Raises:
        ValueError: If these do not go together.

        OSError: If the place cannot be used.
    """
    if not to:
        msg = "--to is empty; name a folder, a tar, or s3://bucket/prefix."
        raise ValueError(msg)
    is_in_s3 = to.startswith(SCHEME)
    is_tar = to.endswith(_TAR) and (is_in_s3 or not Path(to).is_dir())
    if not (is_in_s3 or is_tar) and Path(to).is_file():
        msg = f"--to {to} is a file; name a folder, or a tar: a name ending in {_TAR}."
        raise ValueError(msg)
    if (is_in_s3 or is_tar or shards) and (layout or beside):
        msg = (
            f"--layout and --beside are for files in a folder; --to {to} has none. "
            "Leave them out."
        )
        raise ValueError(msg)
    if is_tar and (shards or is_in_s3):
        why = "a tar in S3 cannot grow" if is_in_s3 else "--shards makes several"
        msg = (
            f"--to {to} names one tar, but {why}. For as many as it takes, write "
            f"--to {to.removesuffix(_TAR)} --shards tar."
        )
        raise ValueError(msg)
    if is_in_s3:
        return _bucket(to, deadline_s, shards)
    if is_tar or shards:
        from fetcher.sinks.tars.local import LocalTars  # noqa: PLC0415

        return LocalTars(Path(to), is_folder=bool(shards), report=report)
    # Not at the top: what is not used need not be loaded.
    from fetcher.sinks.directory import Directory  # noqa: PLC0415
    from fetcher.sinks.layouts import layout_of  # noqa: PLC0415

    own = layout_of(layout or LAYOUTS[0], count)
    own_files = [report, report.with_name(f"{report.name}.jsonl")] if report else []
    there = [Path(one) for one in lists if Path(one).exists()]  # not stdin, nor S3
    taken = _names_of([*own_files, *there], Path(to))
    sink = Directory(Path(to), own, beside=beside, taken=taken)
    sink.tells_sizes = beside or report is not None
    return sink


def _names_of(files: Iterable[Path], folder: Path) -> set[str]:
    """Return the names that files have below a folder, and those they are links to."""
    own = folder.resolve()
    places = ((one.parent.resolve() / one.name, one.resolve()) for one in files)
    names = {os.path.relpath(place, own) for place in chain.from_iterable(places)}
    return {name for name in names if not name.startswith("../")}


def _bucket(to: str, deadline_s: float, shards: str) -> ResumableSink:
    from fetcher.s3.credentials import S3Credentials  # noqa: PLC0415 - loads OpenSSL

    prefix, credentials = prefix_of(to), S3Credentials.from_environment()
    until = monotonic() + deadline_s
    if shards:
        from fetcher.sinks.tars.bucket import BucketTars  # noqa: PLC0415

        return BucketTars(prefix, credentials, until)
    from fetcher.sinks.s3_objects import S3Objects  # noqa: PLC0415

    return S3Objects(prefix, credentials, until)
