"""`rollout manifest`: tables and lists from elsewhere into one that runs take."""

import json
from itertools import product

import pytest
from tests.support.manifest_files import FORMATS, LAION, PACKED, ROWS, listed

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


@pytest.mark.parametrize(
    ("kind", "packed"), [("parquet", ""), *product(["csv", "jsonl"], PACKED)]
)
def test_a_manifest_becomes_a_list_that_a_run_takes(rollout, tmp_path, kind, packed):
    path, to = tmp_path / f"m.{kind}{packed}", tmp_path / "urls.jsonl"
    path.write_bytes(PACKED[packed](FORMATS[kind](ROWS)))
    status, out, err = rollout(path, to, *COLUMNS)

    assert (status, err) == (0, "")
    assert json.loads(out) == {"list": str(to), "urls": len(ROWS), "skipped": 0}
    assert [one.url for one in UrlList(to, allow_s3=True)] == [
        url for url, _, _ in ROWS
    ]


def test_a_manifest_in_s3_is_brought_here(rollout, endpoint, s3, bucket, tmp_path):
    s3.put_object(Bucket=bucket, Key="a.txt", Body=b"http://h/1\nhttp://h/2\n")
    to = tmp_path / "urls.jsonl"
    where = ("--endpoint-url", endpoint.endpoint_url)

    assert rollout(*where, f"s3://{bucket}/a.txt", to)[0] == 0
    assert [row["url"] for row in listed(to)] == ["http://h/1", "http://h/2"]

    status, out, err = rollout(*where, f"s3://{bucket}/b.txt", to)
    assert (status, out) == (2, "")
    assert f"s3://{bucket}/b.txt cannot be read" in err


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
    ],
)
def test_what_cannot_be_read_or_written_is_refused(
    rollout, endpoint, tmp_path, monkeypatch, manifest, to, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.jsonl").mkdir()
    where = ("--endpoint-url", endpoint.endpoint_url)
    status, out, err = rollout(*where, manifest, to)

    assert (status, out) == (2, "")
    assert message in err


def test_a_manifest_that_is_refused_leaves_the_list_before(rollout, tmp_path):
    path, to = tmp_path / "m.txt", tmp_path / "urls.jsonl"
    path.write_text("http://h/1\nftp://h/2\n")
    to.write_text("what was there\n")
    status, out, err = rollout(path, to, "--strict")

    assert (status, out) == (2, "")
    assert "row 2: bad_url: The scheme is 'ftp'" in err
    assert to.read_text() == "what was there\n"
    assert {one.name for one in tmp_path.iterdir()} == {"m.txt", "urls.jsonl"}


def test_a_manifest_is_not_replaced_by_its_list(rollout, tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('# mine\n{"url": "http://h/1"}\n')
    status, _, err = rollout(path, path)

    assert status == 2
    assert "is the manifest itself. Name another file" in err
    assert path.read_text().startswith("# mine")


def test_bad_rows_are_left_out_and_named_if_that_is_wanted(rollout, tmp_path):
    path, to = tmp_path / "m.txt", tmp_path / "urls.jsonl"
    path.write_text("http://h/1\nftp://h/2\n")
    status, out, err = rollout(path, to, "--skip-bad")

    assert status == 0
    assert json.loads(out) == {"list": str(to), "urls": 1, "skipped": 1}
    assert "row 2: bad_url: The scheme is 'ftp'" in err
