"""The account of a list: each URL once, in the counts, the report and the summary."""

import gzip
import io
import json

import pytest
from tests.support.url_lists import url_list

from fetcher.command.accounting import Accounting
from fetcher.command.result_batch import Ended
from fetcher.lists import url_list as module
from fetcher.lists.position_set import Positions
from fetcher.lists.url_list import UrlList


@pytest.fixture
def urls(tmp_path):
    return url_list(tmp_path, "".join(f"http://h/{n}\n" for n in range(5)))


def test_what_was_kept_counts_as_ok_but_not_as_fetched(urls):
    done = Positions()
    done.add([0, 3])
    account = Accounting(urls, done, None)
    account.take(Ended((1,), {"ok": 1}, 10, ""))
    account.take(Ended((2, 4), {"cut": 2}, 0, ""))
    summary = account.finish()

    assert (summary["files"], summary["ok"], summary["kept"]) == (5, 3, 2)
    assert summary["counts"] == {"ok": 3, "cut": 2}
    assert summary["body_bytes"] == 10
    assert summary["files_per_s"] > 0
    assert Accounting(urls, done, None).finish()["files_per_s"] == 0


def test_what_nobody_accounted_for_is_unstarted(urls):
    report = io.BytesIO()
    done = Positions()
    account = Accounting(urls, done, report)
    account.take(Ended((1,), {"ok": 1}, 10, "{}\n"))
    account.abandon("the process died")
    account.abandon("again")
    lines = [json.loads(line) for line in report.getvalue().splitlines()]

    assert account.finish()["counts"] == {"ok": 1, "unstarted": 4}
    assert [line["row"] for line in lines[1:]] == [1, 3, 4, 5]
    assert {line["detail"] for line in lines[1:]} == {"the process died"}


def test_a_torn_list_is_told_when_that_is_found_and_not_at_the_end(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(module, "_MOST_ROWS", 1_000)  # read before downloads begin
    (tmp_path / "whole.txt").write_text("http://h/1\n" * 2_000)
    (tmp_path / "torn.txt.gz").write_bytes(gzip.compress(b"http://h/2\n")[:-4])
    urls = UrlList(tmp_path / "whole.txt", tmp_path / "torn.txt.gz")
    account = Accounting(urls, Positions(), None)
    while urls.read_on():
        pass
    account.tick()
    account.tick()

    assert capsys.readouterr().err.count("torn.txt.gz is not whole") == 1


@pytest.mark.parametrize(
    ("every_s", "said"), [(-1.0, "2 of 5 files, 1 ok, 1 not; "), (60.0, "")]
)
def test_progress_is_shown_when_it_is_time_to(urls, monkeypatch, capsys, every_s, said):
    monkeypatch.setattr("fetcher.command.progress._LOGGED_S", every_s)
    account = Accounting(urls, Positions(), None)
    account.take(Ended((1, 2), {"ok": 1, "cut": 1}, 2_000_000, ""))
    account.tick()
    err = capsys.readouterr().err

    assert (said in err) if said else not err
