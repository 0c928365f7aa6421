"""Lambda's door, called as Lambda calls it."""

import tempfile
import time
from unittest.mock import Mock

import pytest
from tests.support.engine_jobs import SOON_S
from tests.support.handler_shards import Context, report_of

from fetcher import handler
from fetcher.contract.inline_source import Inline
from fetcher.contract.options import Options, SinkSpec
from fetcher.contract.outcome import Outcome
from fetcher.contract.shard_messages import Shard
from fetcher.contract.source import Item
from fetcher.contract.template_source import Template
from fetcher.transfer.scheduler import Scheduler


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def shard(source, **more):
    options = Options(allow_private=True, connections=4, attempts=1)
    return Shard(
        **{"run": "r", "index": 7, "wave": 2, "options": options} | more, source=source
    )


def bodies(origin):
    return Template(origin.url("/bytes/5/{number}"), ((0, 3),))


def test_a_shard_goes_in_and_a_report_comes_out(origin):
    urls = [origin.url(path) for path in ("/bytes/5", "/status/404", "/bytes/6")]
    source = Inline.of([Item(10 * n, url) for n, url in enumerate([*urls, "x:"])])
    before = time.time()
    report = report_of(shard(source))
    outcomes = [one.outcome for one in report.downloads]

    assert outcomes == ["ok", "http_status", "ok", "bad_url"]
    assert report.tally.files == 4
    assert report.tally.body_bytes == 11
    assert (report.run, report.index, report.wave) == ("r", 7, 2)
    assert before <= report.started_at <= report.downloading_at
    assert report.downloading_at <= report.downloaded_at <= time.time()
    assert report.engine.startswith("curl ")
    assert report.peak_rss_bytes > 10_000_000
    assert report.cpu_s > 0


def test_an_execution_finds_its_number_of_connections_within_its_memory(
    origin, monkeypatch
):
    """
    Of 61 MB, 60 are taken before the first download.
    """
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "61")
    own = Options(allow_private=True)
    report = report_of(shard(bodies(origin), options=own))

    assert report.connections == ((0.0, 5),)
    assert report_of(shard(bodies(origin))).connections == ((0.0, 4),)


def test_what_the_list_has_settled_is_reported_and_not_fetched(origin):
    url, again = origin.url("/bytes/5"), "duplicate: repeats the URL of row 1"
    settled = [Item(1, url, "", "", again), Item(2, "x", "", "", "bad_url: no")]
    before = len(origin.requests)
    downloads = report_of(shard(Inline.of([Item(0, url), *settled]))).downloads

    assert [one.outcome for one in downloads] == ["ok", "duplicate", "bad_url"]
    assert [downloads[n].detail for n in (1, 2)] == ["repeats the URL of row 1", "no"]
    assert len(origin.requests) == before + 1


@pytest.mark.parametrize("kind", ["directory", "discard"])
def test_temporary_storage_is_empty_afterwards(origin, temporary, kind):
    """
    The next invocation in this environment needs the room.
    """
    report = report_of(shard(bodies(origin), sink=SinkSpec(kind=kind)))

    assert report.tally.ok == 3
    assert list(temporary.iterdir()) == []


def test_files_stay_in_a_folder_that_was_asked_for(origin, temporary):
    report_of(shard(bodies(origin), sink=SinkSpec(path=str(temporary / "kept"))))

    assert len([p for p in (temporary / "kept").rglob("*") if p.is_file()]) == 3


def test_temporary_storage_is_empty_after_a_mistake_of_ours(
    origin, temporary, monkeypatch
):
    mistaken = Mock(side_effect=LookupError)
    monkeypatch.setattr(handler.Downloads, "__setitem__", mistaken)

    with pytest.raises(LookupError):
        report_of(shard(bodies(origin)))
    assert list(temporary.iterdir()) == []


def test_an_execution_is_cold_once_and_called_after_its_log_stream(origin, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/23/[1]abc")
    monkeypatch.setattr(handler, "_invocations", 0)
    reports = [report_of(shard(bodies(origin))) for _ in range(3)]

    assert [report.cold for report in reports] == [True, False, False]
    assert {report.execution for report in reports} == {"2026/11/23/[1]abc"}


def test_the_report_comes_at_the_deadline_if_not_all_is_done(origin):
    source = Template(origin.url("/silence/{number}"), ((0, 9),))
    context = Context(60.0)
    report = report_of(shard(source, deadline_s=0.5), context)

    assert report.tally.counts[Outcome.UNSTARTED] == report.tally.files == 9
    assert context.get_remaining_time_in_millis() > 0


@pytest.mark.parametrize(
    ("deadline_s", "remaining_s"), [(20.0, 60.0), (60.0, 20.0), (900.0, 2.0)]
)
def test_downloads_end_before_the_earlier_of_both_deadlines(
    origin, deadline_s, remaining_s, monkeypatch
):
    """
    A tenth of Lambda's time is kept back for the report, two seconds at most.
    """
    given = []
    run = Scheduler.run

    def noted(job, engine, left_s):
        given.append(left_s)
        run(job, engine, left_s)

    monkeypatch.setattr(Scheduler, "run", noted)
    report_of(shard(bodies(origin), deadline_s=deadline_s), Context(remaining_s))
    (left_s,) = given

    spare_s = min(2.0, remaining_s / 10)
    most_s = min(deadline_s, remaining_s - spare_s)
    assert max(0, most_s - SOON_S) < left_s <= most_s


def test_an_event_that_is_no_shard_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="event is a NoneType; it must be a JSON"):
        handler.download(None, Context())


def test_an_execution_with_two_processors_uses_both(origin, temporary, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3538")
    monkeypatch.setattr(handler, "cores", lambda: 2)
    monkeypatch.setattr(handler, "_FEWEST_URLS", 10)
    paths = ["/status/404" if n % 9 == 0 else f"/bytes/5/{n}" for n in range(80)]
    source = Inline.of([Item(n, origin.url(path)) for n, path in enumerate(paths)])
    report = report_of(shard(source))

    assert handler._processes(shard(source)) == 2
    assert [one.outcome for one in report.downloads] == [
        "http_status" if n % 9 == 0 else "ok" for n in range(80)
    ]
    assert report.tally.files == 80
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("memory_mb", "urls", "sink", "processes"),
    [
        (1_769, 1_000, "discard", 1),
        (2_048, 1_000, "discard", 1),
        (3_008, 1_000, "directory", 2),
        (10_240, 10_000, "discard", 6),
        (10_240, 250, "discard", 2),
        (10_240, 10_000, "s3-objects", 1),
    ],
)
def test_there_is_a_process_for_each_processor_that_the_memory_brings(
    monkeypatch, memory_mb, urls, sink, processes
):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", str(memory_mb))
    monkeypatch.setattr(handler, "cores", lambda: 6)
    path = "s3://bucket/p" if sink.startswith("s3") else ""
    spec = SinkSpec(kind=sink, path=path)
    source = Template("http://h/{number}", ((0, urls),))

    assert handler._processes(shard(source, sink=spec)) == processes
