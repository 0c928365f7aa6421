"""An earlier report, cut down to what need not be fetched again."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher.command.report import file as report_file
from fetcher.command.report.file import ReportFile
from fetcher.command.report.lines import line_of
from fetcher.command.resume import ALL, HEALABLE, keep
from fetcher.contract.downloads import Download
from fetcher.contract.outcome import Outcome
from fetcher.lists.url_list import UrlList
from fetcher.sinks.directory import Directory
from fetcher.sinks.tars.local import LocalTars

ITEMS = 6
TORN = (1, 5, 40, -2)  # where a line ends whose writer was killed


@pytest.fixture
def run(tmp_path):
    """A list of a few URLs, all of them downloaded; and what to change about it."""
    return Run(tmp_path)


class Run:
    retry = HEALABLE

    def __init__(self, folder):
        self.report = folder / "report.jsonl"
        self.list = folder / "urls.txt"
        self.list.write_text("".join(f"http://h/{n}\n" for n in range(ITEMS)))
        self.sink = Directory(folder / "out")
        self.lines = [self.line(item) for item in UrlList(self.list)]
        self.report.write_text("".join(self.lines))

    def line(self, item, outcome=Outcome.OK):
        writer = self.sink.open(item)
        writer.write([b"x" * item.number])
        path = writer.commit()
        return line_of(item, Download(outcome, 200, item.number, path=path))

    def path(self, number):
        return Path(json.loads(self.lines[number])["path"])

    def kept(self, sink=None):
        with ReportFile(self.report) as report:
            kept, ended = keep(
                report, UrlList(self.list), sink or self.sink, self.retry
            )
        assert ended.total() == len(kept)
        return kept

    def keep(self):
        """Return the positions kept, which the report must agree with."""
        urls = UrlList(self.list)
        kept = self.kept()
        numbers = [item.number for item in urls if item.number in kept]
        reported = [
            json.loads(line)["url"] for line in self.report.read_text().splitlines()
        ]
        assert sorted(reported) == [f"http://h/{n}" for n in numbers]
        assert self.report.read_bytes()[-1:] in (b"", b"\n")
        return numbers


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
        (lambda run: run.report.unlink(), []),
        (write(lambda _: ""), []),
        (spoil_files, [0, 4, 5]),
        (write(lambda own: "".join(own).replace('"ok"', '"cut"', 2)), [2, 3, 4, 5]),
        (write(lambda own: "".join(own).rstrip("\n")), [0, 1, 2, 3, 4, 5]),
        (write(lambda own: own + own), [0, 1, 2, 3, 4, 5]),
        *((write(lambda own, n=n: [*own[:3], own[3][:n]]), [0, 1, 2]) for n in TORN),
    ],
    ids=[
        "without a report nothing",
        "of an empty report nothing",
        "no file that is gone or of another size",
        "nothing that was not ok",
        "a last line that lacks only its end",
        "a line that comes twice, once",
        *(f"no line that was not written to its end {n}" for n in TORN),
    ],
)
def test_of_a_report_is_kept(run, change, kept):
    change(run)

    assert run.keep() == kept


def test_all_that_is_there_is_kept(run):
    before = run.report.read_bytes()

    assert run.keep() == [0, 1, 2, 3, 4, 5]
    assert run.report.read_bytes() == before


def test_what_the_list_does_not_name_any_more_is_dropped(run):
    run.list.write_text("http://h/2\nhttp://h/9\nhttp://h/1\n")
    kept = run.kept()

    assert list(kept.missing(3)) == [1]
    told = [json.loads(line) for line in run.report.read_text().splitlines()]
    assert [(one["row"], one["url"]) for one in told] == [
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


def test_a_report_of_another_list_is_refused_and_left_alone(run):
    before = run.report.read_bytes()
    run.list.write_text("http://h/other\n")
    with pytest.raises(ValueError, match="belongs to another list: none of its"):
        run.kept()

    assert run.report.read_bytes() == before


def test_what_belongs_elsewhere_now_is_not_kept(run, tmp_path):
    """
    Whoever names another folder wants the files there.
    """
    kept = run.kept(Directory(tmp_path / "other"))

    assert len(kept) == 0


def test_a_url_with_a_password_is_kept_though_the_report_does_not_tell_it(run):
    run.list.write_text("http://u:hunter2@h/1\n")
    (item,) = UrlList(run.list)
    run.report.write_text(run.line(item))

    assert len(run.kept()) == 1
    assert "hunter2" not in run.report.read_text()


def test_a_token_that_was_renewed_makes_no_other_url_of_one(run):
    """
    What is stored at the same path, and is masked alike, is the same.
    """
    run.list.write_text("http://h/1?n=1&token=old\tcats/1\n")
    (item,) = UrlList(run.list)
    run.report.write_text(run.line(item))
    run.list.write_text("http://h/1?n=1&token=new\tcats/1\n")
    kept = run.kept()

    assert list(kept.missing(1)) == []


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


def test_a_renewed_token_with_a_name_of_its_own_is_fetched_anew(run):
    run.list.write_text("http://h/1?n=1&token=old\n")
    (item,) = UrlList(run.list)
    run.report.write_text(run.line(item))
    run.list.write_text("http://h/1?n=1&token=new\n")

    assert len(run.kept()) == 0


def test_a_beginning_of_a_line_alone_is_a_torn_report(run):
    run.report.write_text('{"url": "http')

    assert run.keep() == []


OTHERS = ["my notes", "{}\n", "\n", '{"url": "http://h/1"}\n', "x" * 2_000_000]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        *((lambda _, text=text: text, 1) for text in OTHERS),
        *((lambda _, text=text: text + "\0" * 9, 1) for text in OTHERS[:2]),
        (lambda own: "".join([*own[:2], "oh\n", *own[2:]]), 3),
        (lambda own: f"{own[0]}\0\0{own[1]}", 2),
    ],
)
def test_a_file_that_is_no_report_is_refused_and_left_alone(run, text, line):
    run.report.write_text(text(run.lines))
    before = run.report.read_bytes()

    with pytest.raises(ValueError, match=f"its line {line} is not one of a report"):
        run.keep()
    assert run.report.read_bytes() == before


def test_a_crash_while_the_report_is_cut_down_leaves_it_as_it_was(run, monkeypatch):
    def crash(_):
        raise OSError(28, "disk full")

    before = run.report.read_bytes()
    monkeypatch.setattr(report_file.os, "fsync", crash)
    run.path(1).unlink()
    with pytest.raises(OSError, match="disk full"):
        run.keep()

    assert run.report.read_bytes() == before
    assert not run.report.with_name("report.jsonl.part").exists()


@pytest.mark.parametrize("zeros", [1, 4_096, 3_000_000])
@pytest.mark.parametrize("left", [0, 1, 40, -2])
def test_zeros_in_the_end_are_dropped_as_a_torn_line_is(run, left, zeros):
    """
    When the power fails, a file may be longer already than what was written to it.
    """
    text = "".join(run.lines[:3]) + run.lines[3][:left]
    run.report.write_bytes(text.encode() + bytes(zeros))

    assert run.keep() == [0, 1, 2]


@pytest.mark.parametrize("zeros", [0, 1, 4_096])
def test_a_line_that_lacks_only_its_end_gets_one(run, zeros):
    """
    Or else the next line would be glued to it.
    """
    text = "".join(run.lines[:4]).rstrip("\n")
    run.report.write_bytes(text.encode() + bytes(zeros))
    kept = run.keep()
    with ReportFile(run.report) as report:
        report.write(run.lines[5].encode())

    assert kept == [0, 1, 2, 3]
    assert run.keep() == [0, 1, 2, 3, 5]


def test_a_link_aside_from_the_report_is_not_followed(run, tmp_path):
    (tmp_path / "precious").write_text("secret")
    run.report.with_name("report.jsonl.part").symlink_to(tmp_path / "precious")

    assert run.keep() == [0, 1, 2, 3, 4, 5]
    assert (tmp_path / "precious").read_text() == "secret"
    assert not run.report.is_symlink()


def test_a_report_that_is_a_link_stays_one(run, tmp_path):
    run.path(1).unlink()
    run.report.rename(tmp_path / "elsewhere.jsonl")
    run.report.symlink_to("elsewhere.jsonl")

    assert run.keep() == [0, 2, 3, 4, 5]
    assert run.report.is_symlink()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, ITEMS - 1), max_size=9),
    st.sets(st.integers(0, ITEMS - 1)),
    st.integers(0, 500),
)
def test_whatever_is_left_of_a_report_what_stands_in_it_is_kept(
    run, written, gone, cut
):
    text = "".join(run.lines[n] for n in written)[: -cut or None]
    run.report.write_text(text)
    whole = {n for n in written if run.lines[n].rstrip("\n") in text}
    for number, line in enumerate(run.lines):
        run.path(number).write_bytes(b"x" * json.loads(line)["bytes"])
    for number in gone:
        run.path(number).unlink()

    assert run.keep() == sorted(whole - gone)


@pytest.mark.parametrize(
    ("retry", "urls", "why"),
    [
        (HEALABLE, "http://h/1\nhttp://h/1/other\n", "5 files that --report does not"),
        (ALL, "", "6 files, which --retry all cannot replace"),
    ],
)
def test_a_report_stays_as_it_was_if_a_complete_tar_takes_nothing(
    run, tmp_path, retry, urls, why
):
    """
    With the right list, the next run goes on as if nothing had been.
    """
    right = "".join(f"http://h/{n}\n" for n in (1, 0, 2, 3, 4, 5))
    run.list.write_text(right)
    with closing(LocalTars(tmp_path / "tars", is_folder=True)) as run.sink:
        run.sink.begin(())
        run.lines = [run.line(item) for item in UrlList(run.list)]
        run.sink.settle()
        run.sink.complete(range(ITEMS), is_whole=True)
    run.report.write_text("".join(run.lines))
    before = run.report.read_bytes()
    with closing(LocalTars(tmp_path / "tars", is_folder=True)) as run.sink:
        run.list.write_text(urls or right)
        run.retry = retry
        with pytest.raises(ValueError, match=why):
            run.kept()
        after = run.report.read_bytes()
        run.list.write_text(right)
        run.retry = HEALABLE

        assert after == before
        assert len(run.kept()) == ITEMS
