"""The contract between who asks for downloads and who makes them."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.contract.download_results import NO_ROOM, TICKS_PER_S, Download, Downloads
from fetcher.contract.inline_source import Inline
from fetcher.contract.options import MAX_CONNECTIONS, Options, SinkSpec
from fetcher.contract.outcome import Outcome
from fetcher.contract.shard_messages import SCHEMA, Report, Shard
from fetcher.contract.source import Item
from fetcher.contract.template_source import Template

LAMBDA_ANSWERS_WITH = 6 * 1_024 * 1_024  # bytes

ANY_TEXT = st.text(st.characters(), max_size=20)
LINE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
SECONDS = st.floats(0, 1e6, exclude_min=True, allow_subnormal=False)
OPTIONS = st.builds(
    Options,
    connections=st.integers(0, MAX_CONNECTIONS),
    attempts=st.integers(1, 1_000),
    connect_timeout_s=SECONDS,
    read_timeout_s=SECONDS,
    total_timeout_s=SECONDS,
    max_bytes=st.integers(1, 10**15),
    expect_type=st.sampled_from(["", "Image/", "image", "text/csv"]),
    allow_private=st.booleans(),
    contact=LINE,
)
SHARDS = st.builds(
    Shard,
    run=ANY_TEXT,
    index=st.integers(0, 10**6),
    wave=st.integers(0, 100),
    source=st.builds(
        lambda url, name: Inline.of([Item(4, url, name)]), ANY_TEXT, ANY_TEXT
    ),
    sink=st.builds(
        SinkSpec, kind=st.sampled_from(["discard", "directory"]), path=ANY_TEXT
    ),
    options=OPTIONS,
    deadline_s=SECONDS,
)
TIMES = st.integers(0, 900 * TICKS_PER_S).map(lambda ticks: ticks / TICKS_PER_S)
DOWNLOADS = st.lists(
    st.builds(
        Download(Outcome.OK)._replace,  # of the class, it would make up the rest
        outcome=st.sampled_from(Outcome),
        status=st.integers(0, 999),
        body_bytes=st.integers(0, 2**63),
        started_s=TIMES,
        seconds=TIMES,
        attempts=st.integers(0, 255),
        detail=ANY_TEXT,
        path=st.just(""),
        retry_after_s=st.just(0.0),
        content_type=st.sampled_from(["", "image/png; q=1", "text/html"]),
        found_type=st.sampled_from(["", "image/png"]),
        # Of no use to who is told of a shard, so they do not travel.
        sha256=st.just(""),
        width=st.just(0),
        height=st.just(0),
    ),
    max_size=20,
)
SHARD = Shard(run="r", index=0, source=Template("http://h/{number}", ((0, 2),)))


def columns_of(downloads):
    downloads = list(downloads)
    columns = Downloads(len(downloads))
    for index, download in enumerate(downloads):
        columns[index] = download
    return columns


def report_on(downloads):
    columns = columns_of(downloads)
    return Report(
        run="r",
        index=3,
        wave=1,
        execution="e",
        cold=True,
        started_at=1.0,
        downloading_at=2.0,
        downloaded_at=3.0,
        tally=columns.tally(),
        downloads=columns,
        cpu_s=0.5,
        peak_rss_bytes=1,
        engine="aiohttp 3",
        connections=((0.0, 64), (0.25, 128)),
        heard=("h.test",),
    )


@given(SHARDS)
def test_a_shard_survives_its_journey_whatever_it_holds(shard):
    payload = shard.to_json()

    assert payload.isascii()  # which any service takes
    assert Shard.from_dict(json.loads(payload)) == shard


@given(DOWNLOADS)
def test_a_report_survives_its_journey_whatever_it_holds(downloads):
    sent = report_on(downloads)
    came = Report.from_dict(json.loads(json.dumps(sent.to_dict())))

    assert list(came.downloads) == downloads
    assert came.to_dict() == sent.to_dict()
    assert came.connections == sent.connections
    assert came.heard == sent.heard
    assert came.tally == sent.tally


def test_before_anything_is_known_every_url_is_unstarted():
    assert list(Downloads(3)) == [Download(Outcome.UNSTARTED)] * 3


def test_figures_too_large_for_their_column_are_held_at_its_end():
    columns = columns_of([Download(Outcome.OK, status=70_000, attempts=300)])

    assert (columns[0].status, columns[0].attempts) == (65_535, 255)


@given(st.floats(0, 40_000), st.floats(0, 40_000))
def test_times_are_kept_to_ten_microseconds(started_s, seconds):
    (kept,) = columns_of([Download(Outcome.OK, started_s=started_s, seconds=seconds)])

    assert kept.started_s == pytest.approx(started_s, abs=6e-6)
    assert kept.seconds == pytest.approx(seconds, abs=6e-6)


def test_ten_thousand_files_alike_are_reported_in_four_bytes_each():
    """
    What all have in common is said once; only times differ, and not by much.
    """
    chance = random.Random(1)
    file = Download(Outcome.OK, 200, 10_000, "image/jpeg", "image/jpeg", attempts=1)
    seconds = (chance.lognormvariate(-5, 0.5) for _ in range(10_000))
    columns = columns_of(
        file._replace(started_s=n / 10_000, seconds=took_s)
        for n, took_s in enumerate(seconds)
    )
    told = columns.to_dict()

    constant = [one for one in told["columns"].values() if one in range(10**6)]
    # outcome, status, body_bytes, attempts, content_type, found_type
    assert constant == [0, 200, 10_000, 1, 1, 1]
    assert len(json.dumps(told)) / len(columns) < 4


@pytest.mark.parametrize(
    "alphabet", ["0123456789abcdef", "\u4e00\u5000\u6000\U0001f600"]
)
def test_a_report_on_100_000_failures_fits_what_lambda_answers_with(alphabet):
    """
    The worst is: no two details alike, and all figures noise.
    """
    chance = random.Random(1)
    letters = {ord(f"{n:x}"): alphabet[n % len(alphabet)] for n in range(16)}
    columns = Downloads(100_000)
    for index in range(len(columns)):
        columns[index] = Download(
            Outcome.CHECKSUM,
            status=chance.randrange(999),
            body_bytes=chance.randrange(2**32),
            started_s=chance.random(),
            seconds=chance.random(),
            attempts=3,
            detail=f"{chance.getrandbits(600):0150x}".translate(letters),
            content_type=f"{chance.getrandbits(800):0200x}",
            found_type=f"image/{chance.randrange(99)}",
        )
    report = replace(report_on([]), downloads=columns)

    assert len(json.dumps(report.to_dict())) < LAMBDA_ANSWERS_WITH
    assert {download.outcome for download in columns} == {Outcome.CHECKSUM}
    assert columns[0].detail
    assert columns[len(columns) - 1].detail == NO_ROOM
    assert len(columns.types) == 256


def test_a_detail_already_told_is_told_again_when_room_is_short():
    """
    A thousand URLs of one dead host all say so.
    """
    columns = Downloads(3)
    columns[0] = Download(Outcome.DNS, detail="no such host")
    columns[1] = Download(Outcome.DNS, detail="x" * 2_000_000)
    columns[2] = Download(Outcome.DNS, detail="no such host")

    assert [one.detail for one in columns] == ["no such host", NO_ROOM, "no such host"]


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"schema": SCHEMA + 1}, "schema 3; this worker speaks schema 2"),
        ({"schema": None}, "schema None"),
        ({"index": "first"}, "index is 'first'; it must be a number"),
        ({"wave": None}, "wave is None; it must be a number"),
        ({"deadline_s": "soon"}, "deadline_s is 'soon'; it must be a number"),
        ({"deadline_s": 0.0}, "deadline_s is 0.0"),
        ({"deadline_s": float("inf")}, "deadline_s is inf"),
        ({"source": Inline((), ()).to_dict()}, "Shard 0 of run r has no URLs"),
        ({"source": 7}, "not a shard"),
        ({"sink": {"kind": "tape"}}, "sink is 'tape'"),
        ({"sink": {"colour": "red"}}, "colour"),
        ({"options": {"connections": "many"}}, "connections is 'many', of type str"),
        ({"options": {"connections": 481}}, "Use more executions instead"),
        ({"options": {"conections": 5}}, "conections"),
        ({"options": None}, "not a shard"),
    ],
)
def test_a_malformed_event_is_refused_with_the_reason(spoiled, said):
    event = json.loads(SHARD.to_json())

    with pytest.raises(ValueError, match=said):
        Shard.from_dict(event | spoiled)


def test_an_event_that_lacks_a_field_is_refused_by_its_name():
    for name in ("run", "index", "source", "options", "deadline_s"):
        event = json.loads(SHARD.to_json())
        del event[name]
        with pytest.raises(ValueError, match=name):
            Shard.from_dict(event)


def test_an_event_that_is_no_object_is_refused():
    for event in (None, [], "shard", 7):
        with pytest.raises(ValueError, match="it must be a JSON object"):
            Shard.from_dict(event)


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"schema": 0}, "report has schema 0"),
        ({"downloads": {"many": 3}}, "not a report"),
        ({"tally": None}, "not a report"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_malformed_report_is_refused_with_the_reason(spoiled, said):
    fields = report_on([Download(Outcome.OK)]).to_dict()

    with pytest.raises(ValueError, match=said):
        Report.from_dict(fields | spoiled)


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        *[({"many": many}, r"not a report: .*A column is") for many in (0, 1, 3)],
        ({"types": [""]}, "There is no type 1 among 1"),
        ({"columns": {"outcome": len(Outcome)}}, "There is no outcome 19"),
    ],
)
def test_columns_that_contradict_what_stands_beside_them_are_refused(spoiled, said):
    """A length not theirs, a type without a name, an outcome there is none of."""
    ends = Download(Outcome.OK, 200, found_type="image/png"), Download(Outcome.CUT)
    fields = report_on(ends).to_dict()
    downloads = fields["downloads"]
    columns = downloads["columns"] | spoiled.pop("columns", {})
    fields["downloads"] = downloads | {"columns": columns} | spoiled

    with pytest.raises(ValueError, match=said):
        Report.from_dict(fields)


def test_a_report_of_a_version_before_types_were_reported_is_read():
    fields = report_on([Download(Outcome.OK, 200)]).to_dict()
    downloads = fields["downloads"]
    del downloads["types"], downloads["columns"]["content_type"]
    del downloads["columns"]["found_type"]

    assert list(Report.from_dict(fields).downloads) == [Download(Outcome.OK, 200)]
