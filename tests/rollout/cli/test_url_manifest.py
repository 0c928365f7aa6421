"""`rollout manifest`: tables and lists from elsewhere into one that runs take."""

import json

import pytest
from tests.support.bucket_contents import put
from tests.support.manifest_files import FORMATS, LAION, ROWS

from fetcher.lists.url_list import UrlList
from rollout.__main__ import main

COLUMNS = ("--url-column", LAION.url, "--destination-column", LAION.name)
COLUMNS = (*COLUMNS, "--sha256-column", LAION.sha256)


@pytest.fixture
def rollout(capsys):
    """Run `rollout manifest`; return its exit status and what it printed."""

    def run(*words):
        return main(["manifest", *map(str, words)]), *capsys.readouterr()

    return run


def test_a_manifest_becomes_a_list_that_a_run_takes(rollout, tmp_path):
    """Its bad rows, if that is wanted, are left out and named."""
    path, to = tmp_path / "m.parquet", tmp_path / "urls.jsonl"
    path.write_bytes(FORMATS["parquet"]([*ROWS, ("ftp://h/2", None, None)]))
    status, out, err = rollout(path, to, *COLUMNS, "--skip-bad")
    rows = [row[1:4] for row in UrlList(to, allow_s3=True)]

    assert status == 0
    assert json.loads(out) == {"list": str(to), "urls": len(ROWS), "skipped": 1}
    assert rows == [tuple(text or "" for text in row) for row in ROWS]
    assert "row 4: bad_url: The scheme is 'ftp'" in err


@pytest.mark.parametrize(
    ("manifest", "to", "message"),
    [
        ("s3://Lists/a.csv", "l.jsonl", "s3://Lists/a.csv cannot be read"),
        ("s3://Lists/a.csv", "l.jsonl", "The bucket is 'Lists'"),
        ("s3://lists", "l.jsonl", "s3://lists cannot be read"),
        ("s3://lists", "l.jsonl", "and no key"),
        ("nothing.parquet", "l.jsonl", "nothing.parquet"),
        ("m.txt", "urls.txt", "must end in .jsonl"),
        ("m.txt", "urls", "must end in .jsonl"),
        ("m.txt", "folder.jsonl", "which is a folder"),
        ("m.txt", "s3://lists/l.jsonl", "copy it: aws s3 cp l.jsonl s3://lists/l.json"),
        ("m.txt", "none/l.jsonl", "there is no folder none. Make it first."),
        ("mine.jsonl", "mine.jsonl", "is the manifest itself. Name another file"),
    ],
)
def test_what_cannot_be_read_or_written_is_refused(
    rollout, endpoint, tmp_path, monkeypatch, manifest, to, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "mine.jsonl").write_text('{"url": "http://h/1"}\n')
    where = ("--endpoint-url", endpoint.endpoint_url)
    status, out, err = rollout(*where, manifest, to)

    assert (status, out) == (2, "")
    assert message in err


def test_a_manifest_in_s3_is_read_there(rollout, endpoint, s3, bucket, tmp_path):
    url = put(s3, bucket, "a.txt", b"http://h/1\nhttp://h/2\n")
    to = tmp_path / "l.jsonl"

    assert rollout("--endpoint-url", endpoint.endpoint_url, url, to)[0] == 0
    assert len(UrlList(to)) == 2


def test_a_manifest_that_is_refused_leaves_the_list_before(rollout, tmp_path):
    path, to = tmp_path / "m.txt", tmp_path / "urls.jsonl"
    path.write_text("http://h/1\nftp://h/2\n")
    to.write_text("what was there\n")
    status, out, err = rollout(path, to, "--strict")

    assert (status, out) == (2, "")
    assert "row 2: bad_url: The scheme is 'ftp'" in err
    assert to.read_text() == "what was there\n"
    assert {one.name for one in tmp_path.iterdir()} == {"m.txt", "urls.jsonl"}
