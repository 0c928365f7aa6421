"""An earlier report, cut down to what need not be fetched again."""

from pathlib import Path

import pytest
from tests.support.earlier_run import ITEMS, EarlierRun

from fetcher.command.report.file import ReportFile
from fetcher.command.resume import keep
from fetcher.lists.url_list import UrlList
from fetcher.sinks.directory import Directory


@pytest.fixture
def run(tmp_path):
    """A list of a few URLs, all of them downloaded; and what to change about it."""
    return EarlierRun(tmp_path)


def spoil_files(run):
    run.path(1).unlink()
    run.path(2).write_bytes(b"x" * 9)
    run.path(3).unlink()
    run.path(3).mkdir()


def write(lines):
    """Return what replaces the report by some of these lines."""
    return lambda run: run.report.write_text("".join(lines(run.lines)))


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda _: None, [0, 1, 2, 3, 4, 5]),
        (lambda run: run.report.unlink(), []),
        (spoil_files, [0, 4, 5]),
        (write(lambda own: "".join(own).replace('"ok"', '"cut"', 2)), [2, 3, 4, 5]),
        (write(lambda _: '{"url": "http'), []),
    ],
    ids=[
        "all that is there",
        "without a report nothing",
        "no file that is gone or of another size",
        "nothing that was not ok",
        "no torn line of an earlier version",
    ],
)
def test_of_a_report_is_kept(run, change, kept):
    change(run)

    assert run.keep() == kept


def test_without_an_earlier_report_downloads_need_not_wait_for_the_whole_list(run):
    run.report.unlink()
    run.list.write_text("".join(f"http://h/{'a' * 500}/{n}\n" for n in range(4_000)))
    urls = UrlList(run.list)
    with ReportFile(run.report) as report:
        kept, _ = keep(report, urls, run.sink)

    assert not kept
    assert urls.known_count is None
    urls.close()


def test_what_the_list_does_not_name_any_more_is_dropped(run):
    run.list.write_text("http://h/2\nhttp://h/9\nhttp://h/1\n")
    kept = run.kept()

    assert list(kept.missing(3)) == [1]
    assert [(one["row"], one["url"]) for one in run.told()] == [
        (1, "http://h/2"),
        (3, "http://h/1"),
    ]


def test_a_file_with_another_digest_than_the_list_has_now_is_not_kept(run):
    digests = ["ab" * 32, "CD" * 32, "ef" * 32, ""]
    told = ["ab" * 32, "cd" * 32, "ab" * 32, "ab" * 32]
    run.report.write_text(
        "".join(
            line.replace('"sha256": ""', f'"sha256": "{one}"')
            for line, one in zip(run.lines, told, strict=False)
        )
    )
    run.list = run.list.with_name("urls.csv")
    rows = (f"http://h/{n},{one}\n" for n, one in enumerate(digests))
    run.list.write_text("url,sha256\n" + "".join(rows))

    assert run.keep() == [0, 1, 3]


@pytest.mark.parametrize("is_reported", [True, False])
def test_a_digest_that_changed_costs_only_its_row_where_a_tar_is_complete(
    run, is_reported
):
    """
    It was ok once, and will not be fetched again: that is said each time.
    """

    def listed(*digests):
        rows = (f"http://h/{n},{one}\n" for n, one in enumerate(digests))
        run.list.write_text("url,sha256\n" + "".join(rows))

    digests = ["ab" * 32, "cd" * 32, "", "", "ef" * 32, ""]
    run.list = run.list.with_name("urls.csv")
    listed(*digests)
    pairs = zip(run.fill_tars(), digests, strict=True)
    lines = [line.replace('"sha256": ""', f'"sha256": "{one}"') for line, one in pairs]
    run.report.write_text("".join(lines) * is_reported)
    listed(digests[0], "12" * 32, "34" * 32, *digests[3:])

    for _ in range(2):
        with run.tars():
            assert run.keep() == list(range(6))
            run.sink.begin(run.kept())
        by_row = sorted(run.told(), key=lambda one: one["row"])
        _, changed, unknown, *_ = (one["detail"] for one in by_row)
        outcomes = [one["outcome"] for one in by_row]
        assert outcomes == ["ok", "checksum", "checksum", "ok", "ok", "ok"]
        assert f"has sha256 {'cd' * 32}, and the list has another" in changed
        assert "has no recorded sha256" in unknown


def test_a_report_of_another_list_is_refused_and_left_alone(run):
    before = run.report.read_bytes()
    run.list.write_text("http://h/other\n")
    with pytest.raises(ValueError, match="belongs to another list: none of its"):
        run.kept()

    assert run.report.read_bytes() == before


@pytest.mark.parametrize(("place", "kept"), [("../other", 0), ("../out", ITEMS)])
def test_files_are_kept_in_the_folder_that_is_named_however_it_is_spelled(
    run, tmp_path, monkeypatch, place, kept
):
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")

    assert len(run.kept(Directory(Path(place)))) == kept


def test_a_body_is_not_taken_for_what_is_told_beside_another(run, tmp_path):
    """
    Of a run without what is beside bodies, some may be called so.
    """
    beside = tmp_path / "out/h/1.json"
    beside.write_bytes(b"\xff\xd8 a picture")
    sink = Directory(tmp_path / "out", beside=True)
    before = sink.holds(str(run.path(1)), 1)
    beside.write_bytes(b'{"row": 2}\n')

    assert (before, sink.holds(str(run.path(1)), 1)) == (False, True)


@pytest.mark.parametrize(
    ("before", "now", "kept"),
    [
        ("http://u:hunter2@h/1", "http://u:hunter2@h/1", 1),
        ("http://h/1?n=1&token=old\tcats/1", "http://h/1?n=1&token=new\tcats/1", 1),
        ("http://h/1?n=1&token=old", "http://h/1?n=1&token=new", 0),  # of another name
    ],
)
def test_what_is_stored_at_one_path_and_masked_alike_is_the_same(
    run, before, now, kept
):
    """
    A token may have been renewed; the report tells no secrets.
    """
    run.list.write_text(before)
    (item,) = UrlList(run.list)
    run.report.write_text(run.line(item))
    run.list.write_text(now)

    assert len(run.kept()) == kept
    assert "hunter2" not in run.report.read_text()


def test_urls_that_only_what_is_masked_tells_apart_are_not_mixed_up(run):
    """
    Nothing in the report but their paths tells which of them is done.
    """
    lines = [f"http://h/get?key={n}\n" for n in range(ITEMS)]
    run.list.write_text("".join(lines))
    items = list(UrlList(run.list))
    run.report.write_text("".join(map(run.line, items[2:4])))
    kept = run.kept()

    assert list(kept.missing(ITEMS)) == [0, 1, 4, 5]
    assert len(run.report.read_text().splitlines()) == 2
