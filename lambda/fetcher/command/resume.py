"""Files that an earlier report has as `ok` and that are still there."""

from __future__ import annotations

import re
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fetcher.command.report.json_lines import (
    BEGINNING,
    OLD_BEGINNING,
    fields_of,
    line_again,
    line_of,
)
from fetcher.contract.carried_columns import LONGEST_TOLD
from fetcher.contract.download_results import Download
from fetcher.contract.options import RETRIES
from fetcher.contract.outcome import CODE, Outcome
from fetcher.lists.compact_hash_map import CompactHashMap
from fetcher.lists.position_set import Positions
from fetcher.security.masking import MASK, masked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from fetcher.command.report.file import ReportFile
    from fetcher.contract.source import Item
    from fetcher.lists.url_list import UrlList
    from fetcher.sinks.resumable_sink import ResumableSink

HEALABLE, FAILED, ALL, NONE = RETRIES

_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_NEVER_TRIED = (Outcome.UNSTARTED, Outcome.DUPLICATE)
_may_answer = re.compile("temporar|time|busy|again", re.IGNORECASE).search
_BLOCK = 1 << 16  # bytes
_NUL = b"\0"


def keep(
    report: ReportFile, urls: UrlList, sink: ResumableSink, retry: str = HEALABLE
) -> tuple[Positions, Counter[str]]:
    """
    Cut an earlier report down to the URLs of the list that need not be fetched.

    These were `ok`, are still to be stored at the same path, and their file there has
    the size that the report says, and the digest that the list says, if any. A URL is
    recognised by its path, which no other has, and by its text apart from what the
    report masks: a token may have been renewed.
    What was not `ok` and need not be tried again is recognised by its row and text.
    By default that is what has nothing to hope for: 404, 410, names that do not exist,
    and, of the same row with the same text, bodies of a wrong type. All else may come
    this time: servers recover, and disks, digests and options are mended in between.
    What the sink has, though no report says so, is added, unless all is tried again; if
    the list has another digest for it now, as `checksum`.
    The new report has rows as the list has them now. It is written aside and replaces
    the old one when it is whole.

    Of a report that is no file that can be read, nothing is kept.

    Returns:
        The positions in the list that are kept, and how these ended.

    Raises:
        OSError, ValueError: If the file is not a report, or another list's, if that
            breaks off before rows of it, or if nothing can be added to what is there.
            The report is left alone.
    """
    kept, ended = Positions(), Counter[str]()
    if not report.is_regular:
        return kept, ended
    with report.reader() as file:
        places = _places(file, report, sink, retry)

        def lines() -> Iterator[bytes]:
            for item, outcome, line in _standing_rows(file, urls, sink, places):
                kept.add([item.number])
                ended[outcome] += 1
                yield line
            if len(kept) < len(places.keys):  # those that are missing may come later
                urls.raise_if_torn()
            if not kept and not _is_of(file, urls):
                msg = (
                    f"--report {report} belongs to another list: none of its URLs is "
                    "in this one. Name another file, or remove this one."
                )
                raise ValueError(msg)
            if retry != ALL:
                for item, found in sink.unreported(urls.items_in, kept):
                    is_wanted = _is_as_wanted(item, found.sha256)
                    if not (is_wanted or sink.stays(found.path)):
                        continue  # it is replaced
                    download = found if is_wanted else _stale(found)
                    kept.add([item.number])
                    ended[download.outcome.value] += 1
                    yield line_of(item, download).encode()
            # Before the old report is replaced: it says what is in the sink.
            sink.check(kept, is_again=retry == ALL)

        report.replace(lines())
    return kept, ended


def _places(
    file: BinaryIO, report: ReportFile, sink: ResumableSink, retry: str
) -> CompactHashMap:
    """Return where lines are of what need not be fetched."""
    places, at = CompactHashMap("q"), 0
    for number, raw in enumerate(_lines(file)):
        fields = fields_of(raw)
        if fields is None and _is_torn(raw, file):
            break
        if fields is None:
            msg = (
                f"--report {report} is there already, but its line {number + 1:,} is "
                "not one of a report. Name another file, or remove this one."
            )
            raise ValueError(msg)
        if retry == ALL:
            pass
        elif fields["outcome"] == Outcome.OK:
            if sink.holds(fields["path"], fields["bytes"]):
                places.put(hash((fields["url"], sink.key_at(fields["path"]))), at)
        elif _is_final(fields, retry):
            places.put(hash((fields["url"], fields.get("row"))), at)
        at += len(raw)
    return places


def _standing_rows(
    file: BinaryIO, urls: UrlList, sink: ResumableSink, places: CompactHashMap
) -> Iterator[tuple[Item, str, bytes]]:
    """Yield items that need not be fetched, how they ended, and their lines now."""
    if not places.keys:  # the list need not have been read yet
        return
    for item in urls:
        if item.refusal:  # the list tells that again
            continue
        url = masked(item.url)
        place = places.get(hash((url, sink.key_of(item))))
        if place < 0:
            place = places.get(hash((url, item.row)))
        if place < 0:
            continue
        file.seek(place)
        line = file.readline().rstrip(b"\n\0") + b"\n"
        fields = fields_of(line)
        assert fields is not None, "it was read before"
        outcome = fields["outcome"]
        if outcome != Outcome.OK or _is_as_wanted(item, fields.get("sha256")):
            yield item, outcome, line_again(line, item)


def _is_as_wanted(item: Item, sha256: str | None) -> bool:
    """Tell whether a body has the digest that the list says, if it says one."""
    return item.sha256.lower() in ("", sha256)


def _stale(download: Download) -> Download:
    """Return how a row ends whose body is there to stay, with another digest."""
    has = f"sha256 {download.sha256}" if download.sha256 else "no recorded sha256"
    tar = download.path.rpartition("/")[0]
    detail = (
        f"{download.path} has {has}, and the list has another now. Its tar is complete "
        f"and stays as it is: to have this row fetched again, remove {tar}"
    )
    return Download(Outcome.CHECKSUM, download.status, detail=detail)


def _is_of(file: BinaryIO, urls: UrlList) -> bool:
    """Tell whether a report names a URL of the list, or nothing."""
    told = CompactHashMap("q")
    for number, fields in enumerate(map(fields_of, _lines(file))):
        if fields:  # or else it is torn
            told.put(hash(fields["url"]), number)
    return not told.keys or any(told.get(hash(masked(item.url))) >= 0 for item in urls)


def _is_final(fields: dict[str, Any], retry: str) -> bool:
    """Tell whether what was not `ok` is not tried again."""
    outcome = fields["outcome"]
    if outcome not in CODE or outcome in _NEVER_TRIED:
        return False
    if retry != HEALABLE:
        return retry == NONE
    if MASK in fields["url"]:  # its token may have been renewed
        return False
    if outcome == Outcome.DNS:  # a name that is dead, or a server that did not answer
        return not _may_answer(fields["detail"].rpartition(": ")[2])
    is_gone = outcome == Outcome.HTTP_STATUS and fields["status"] in _GONE
    return is_gone or outcome == Outcome.WRONG_TYPE


def _is_torn(raw: bytes, file: BinaryIO) -> bool:
    """Tell whether a line is the last one of a report whose writer was killed."""
    if raw.endswith(b"\n") or any(block.strip(_NUL) for block in _blocks(file)):
        return False
    return any(raw[: len(one)] == one[: len(raw)] for one in (BEGINNING, OLD_BEGINNING))


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_BLOCK), b"")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """
    Yield the lines of the file from its beginning.

    The last one may lack its end. After a power failure a file may end in zeros that
    were never written to: these are left out. No line has any.
    """
    file.seek(0)
    for raw in iter(lambda: file.readline(LONGEST_TOLD), b""):
        line = raw if raw.endswith(b"\n") else raw.rstrip(_NUL)
        if line:
            yield line
