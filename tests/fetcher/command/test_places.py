"""Where the command puts files, and reports: each place with each, and resumed."""

import csv
import json
import tarfile
from collections import Counter

import pyarrow.parquet as pq
import pytest
from tests.support.bucket_contents import objects_in
from tests.support.misbehaving_origin import Origin
from tests.support.running_command import Run
from tests.support.waiting import eventually

from fetcher.__main__ import main

MANY = 12
# Each place, and each format of the report twice.
PLACES = [
    ("out", "r.jsonl"),
    ("out --layout=flat", "r.csv"),
    ("out --layout=hash --beside", "r.parquet"),
    ("out.tar", "r.jsonl"),
    ("out --shards=tar", "r.parquet"),
    ("s3://", "r.csv"),
]


@pytest.fixture(scope="module")
def origin():
    with Origin() as origin:
        yield origin


@pytest.fixture
def fetch(tmp_path, capsys):
    """Fetch a list of captions into a place; return the report's rows."""

    def fetch(place, report, urls, *options):
        rows = [{"url": url, "caption": f"n° {n}"} for n, url in enumerate(urls)]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (tmp_path / "urls.jsonl").write_text(lines)
        to, *layout = place.split()
        to = to if to.startswith("s3:") else str(tmp_path / "files" / to)
        main(
            [
                *(str(tmp_path / "urls.jsonl"), "--to", to, *layout),
                *("--report", str(tmp_path / report), "--in-order"),
                *("--processes", "1", "--allow-private", "--attempts", "1", *options),
            ]
        )
        out, err = capsys.readouterr()
        assert out, err
        return json.loads(out), read(tmp_path / report)

    return fetch


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(one) for one in path.read_text().splitlines()]


def bodies_in(folder):
    """Return all bodies in files and tars, but for what is beside them."""
    found = Counter()
    for path in folder.rglob("*"):
        if path.suffix == ".tar":
            with tarfile.open(path) as tar:
                found.update(
                    tar.extractfile(one).read()
                    for one in tar
                    if not one.name.endswith("json")
                )
        elif path.is_file() and "json" not in path.suffix:
            found[path.read_bytes()] += 1
    return found


@pytest.mark.parametrize(("place", "report"), PLACES)
def test_rows_in_are_rows_out_with_their_columns_and_a_second_run_adds_the_rest(
    fetch, origin, tmp_path, place, report, request, monkeypatch
):
    if place == "s3://":
        names = ("bucket", "s3", "endpoint")
        bucket, s3, endpoint = map(request.getfixturevalue, names)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint.endpoint_url)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        place = f"s3://{bucket}/kept"
    paths = [f"/target/{n}" for n in range(MANY)]
    paths[3] = "/status/404"
    urls = [origin.url(path) for path in paths]
    first, before = fetch(place, report, urls[:8])
    asked = len(origin.requests)
    second, rows = fetch(place, report, urls)

    assert (first["ok"], second["ok"], second["kept"]) == (7, 11, 8)
    assert len(origin.requests) == asked + MANY - 8
    assert [row["url"] for row in rows] == urls
    assert [int(row["row"]) for row in rows] == list(range(1, MANY + 1))
    assert [row["caption"] for row in rows] == [f"n° {n}" for n in range(MANY)]
    assert [row for row in rows if row["row"] in (1, "1")] == before[:1]
    expected = Counter(path.encode() for path in paths if "target" in path)
    if place.startswith("s3:"):
        assert Counter(objects_in(s3, bucket).values()) == expected
        assert rows[0]["path"].startswith(f"{place}/")
    else:
        assert bodies_in(tmp_path / "files") == expected


@pytest.mark.parametrize("place", ["out", "out.tar"])
def test_a_killed_run_into_tars_is_resumed_with_each_row_and_body_once(
    origin, tmp_path, place
):
    urls = [origin.url(f"/target/{n}") for n in range(300)]
    run = Run(tmp_path, urls)
    run.out, run.report = tmp_path / "files" / place, tmp_path / "r.parquet"
    options = ["--processes", "2", *(["--shards", "tar"] if place == "out" else [])]
    lines = tmp_path / "r.parquet.jsonl"
    with run.start(*options) as process:
        eventually(lambda: lines.exists() and lines.read_bytes().count(b"\n") >= 20)
        process.kill()
        process.wait()
    with run.start(*options):
        status, summary = run.finish()
    rows = read(run.report)

    assert (status, summary["ok"]) == (0, 300)
    assert summary["kept"] >= 20
    assert [row["url"] for row in rows] == urls
    assert bodies_in(tmp_path / "files") == Counter(
        f"/target/{n}".encode() for n in range(300)
    )
    assert not [*tmp_path.rglob("*.part"), *tmp_path.glob("*.jsonl")]
