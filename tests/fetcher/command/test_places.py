"""Where the command puts files, and reports: each place with each, and resumed."""

import json
import signal
from collections import Counter
from contextlib import nullcontext
from time import monotonic

import pytest
from tests.fetcher.command.report.test_run_report import read
from tests.support.bucket_contents import files_in, objects_in, uploads_in
from tests.support.held_origin import HeldOrigin
from tests.support.running_command import Run
from tests.support.waiting import eventually

from fetcher.__main__ import main
from fetcher.contract.source import Item
from fetcher.sinks import destination as destination_module
from fetcher.sinks.destination import destination

MANY = 12
OK = b'"outcome": "ok"'
# Each place, and each format of the report twice.
PLACES = [
    ("out", "r.jsonl"),
    ("out --layout=flat", "r.csv"),
    ("out --layout=hash --beside", "r.parquet"),
    ("out.tar", "r.jsonl"),
    ("out --shards=tar", "r.parquet"),
    ("s3://", "r.csv"),
    ("s3:// --shards=tar", "r.jsonl"),
]
SMALL_TARS = """
import sys
from fetcher.__main__ import main
from fetcher.sinks.tars import bucket

bucket.MOST_FILES = 10
sys.exit(main())
"""


@pytest.fixture
def fetch(tmp_path, capsys):
    """Fetch a list of captions into a place; return the report's rows."""

    def fetch(place, report, urls, *options):
        rows = [{"url": url, "caption": f"n° {n}"} for n, url in enumerate(urls)]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (tmp_path / "urls.jsonl").write_text(lines)
        to, *layout = place.split()
        to = to if to.startswith("s3:") else str(tmp_path / "files" / to)
        words = [str(tmp_path / "urls.jsonl"), "--to", to, *layout, "--in-order"]
        words += ["--report", str(tmp_path / report), "--allow-private"]
        main([*words, "--processes", "1", "--attempts", "1", *options])
        out, err = capsys.readouterr()
        assert out, err
        return json.loads(out), read(tmp_path / report)

    return fetch


def files_below(folder):
    """Return the content of files by their paths."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in paths}


def bodies_in(files):
    """Return how often each body is in files and tars, but for what is beside them."""
    found = Counter()
    for name, content in files.items():
        if name.endswith(".tar"):
            found += bodies_in(files_in(content))
        elif not name.endswith(("json", "jsonl")):
            found[content] += 1
    return found


@pytest.fixture
def s3_environment(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint.endpoint_url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")


@pytest.mark.parametrize(("place", "report"), PLACES)
def test_rows_in_are_rows_out_with_their_columns_and_a_second_run_adds_the_rest(
    fetch, origin, tmp_path, place, report, request
):
    if place.startswith("s3://"):
        names = ("bucket", "s3", "s3_environment")
        bucket, s3, _ = map(request.getfixturevalue, names)
        place = place.replace("s3://", f"s3://{bucket}/kept")
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
        assert bodies_in(objects_in(s3, bucket)) == expected
        assert rows[0]["path"].startswith(f"s3://{bucket}/kept/")
    else:
        assert bodies_in(files_below(tmp_path / "files")) == expected


@pytest.mark.parametrize("place", ["out", "out.tar"])
def test_a_killed_run_into_tars_is_resumed_with_each_row_and_body_once(tmp_path, place):
    lines = tmp_path / "r.parquet.jsonl"
    with HeldOrigin(150) as origin:
        urls = [f"{origin.url}/{n + 1}/{n}.jpg" for n in range(300)]
        run = Run(tmp_path, urls)
        run.out, run.report = tmp_path / "files" / place, tmp_path / "r.parquet"
        options = ["--processes", "2", *(["--shards", "tar"] if place == "out" else [])]
        with run.start(*options) as process:
            eventually(lambda: lines.exists() and lines.read_bytes().count(b"\n") >= 20)
            process.kill()
            process.wait()
        origin.open.set()
        with run.start(*options):
            status, summary = run.finish()
        rows = read(run.report)

    assert (status, summary["ok"]) == (0, 300)
    assert summary["kept"] >= 20
    assert [row["url"] for row in rows] == urls
    bodies = bodies_in(files_below(tmp_path / "files"))
    assert bodies == Counter(b"x" * (n + 1) for n in range(300))
    assert not [*tmp_path.rglob("*.part"), *tmp_path.glob("*.jsonl")]


@pytest.mark.usefixtures("s3_environment")
def test_a_run_into_tars_in_s3_is_interrupted_then_killed_and_every_row_is_in_one_tar(
    tmp_path, bucket, s3
):
    """
    Each row is fetched once, but for those in tars that the kill left incomplete.
    """
    with HeldOrigin(50) as origin:
        bodies = [b"x" * (n + 1) for n in range(150)]
        urls = [f"{origin.url}/{n + 1}/{n}.jpg" for n in range(150)]
        run = Run(tmp_path, urls)
        run.program = ["-c", SMALL_TARS]
        run.out = f"s3://{bucket}/kept"
        options = ["--shards", "tar", "--processes", "2"]

        def has_ok(many):
            return run.report.exists() and run.report.read_bytes().count(OK) >= many

        with run.start(*options) as process:
            eventually(lambda: has_ok(32))  # 50, but for what two tars may hold back
            process.send_signal(signal.SIGINT)
            interrupted, _ = run.finish()
        first = [url for url, one in run.told().items() if one["outcome"] == "ok"]
        in_tars = bodies_in(objects_in(s3, bucket))
        origin.served = 100
        with run.start(*options) as process:
            eventually(lambda: has_ok(82))
            process.kill()
            process.wait()
        asked = list(origin.paths)
        told = run.report.read_bytes().count(OK)
        origin.open.set()
        with run.start(*options):
            status, summary = run.finish()
        rows = run.told()

    assert interrupted == 1
    assert 32 <= len(first) <= 50
    assert in_tars == Counter(bodies[urls.index(url)] for url in first)
    assert told <= summary["kept"]
    assert (status, summary["ok"]) == (0, 150)
    assert all(asked.count(url.removeprefix(origin.url)) == 1 for url in first)
    assert len(rows) == 150
    assert bodies_in(objects_in(s3, bucket)) == Counter(bodies)
    assert uploads_in(s3, bucket) == []


@pytest.mark.parametrize(
    ("to", "shards", "why"),
    [
        ("s3://photos/a.tar", "", "a tar in S3 cannot grow.* --to .*a --shards tar"),
        ("s3://photos/a.tar", "tar", "a tar in S3 cannot grow.* --to .*a --shards tar"),
        ("a.tar", "tar", "--shards makes several.* --to a --shards tar"),
        ("", "", "--to is empty; name"),
        ("a.txt", "", "a.txt is a file; name a folder"),
    ],
)
def test_what_is_no_place_is_refused(tmp_path, monkeypatch, to, shards, why):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValueError, match=why):
        destination(to, shards=shards, count=1, deadline_s=1.0)

    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_a_row_that_is_named_like_the_list_does_not_replace_it(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("url,destination\nhttp://h/1,list.csv\n")
    sink = destination(str(tmp_path), lists=["-", str(path)], count=1, deadline_s=1.0)
    kept = sink.keep(Item(0, "http://h/1", "list.csv"), [b"a picture"])

    assert kept == str(tmp_path / "list.cs%76")
    assert path.read_text().startswith("url,destination")


@pytest.mark.parametrize(
    ("to", "report", "is_refused"),
    [
        ("x.tar", "x.tar", True),
        ("x.tar", "x.index.jsonl", True),
        ("x.tar", "x.tar.part", True),
        ("x.tar", "link.jsonl", True),
        ("x.tar", "x.jsonl", False),
        ("x.tar", "d/x.index.jsonl", False),
        ("d", "d/00000.jsonl", True),
        ("d", "d/00012.tar", True),
        ("d", "d/report.jsonl", False),
        ("d", "00000.jsonl", False),
    ],
)
def test_a_report_that_a_tar_or_its_index_would_replace_is_refused(
    tmp_path, to, report, is_refused
):
    (tmp_path / "link.jsonl").symlink_to("x.index.jsonl")
    shards = "" if to.endswith(".tar") else "tar"
    options = {"shards": shards, "report": tmp_path / report, "deadline_s": 1.0}
    refused = pytest.raises(ValueError, match="is called like a tar of --to")

    with refused if is_refused else nullcontext():
        destination(str(tmp_path / to), count=1, **options).close()


@pytest.mark.usefixtures("s3_environment")
def test_what_a_tar_in_s3_has_and_no_report_is_reported_and_not_fetched_again(
    fetch, origin, tmp_path, bucket
):
    urls = [origin.url(f"/target/{n}") for n in range(5)]
    place = f"s3://{bucket}/kept --shards=tar"
    _, before = fetch(place, "r.jsonl", urls, "--sha256")
    asked = len(origin.requests)
    (tmp_path / "r.jsonl").write_bytes(b"")  # as if killed before its first line
    again, rows = fetch(place, "r.jsonl", urls, "--sha256")

    assert (again["kept"], again["ok"]) == (5, 5)
    assert len(origin.requests) == asked
    assert rows == [row | {"seconds": 0.0, "attempts": 0} for row in before]


@pytest.mark.usefixtures("s3_environment")
def test_the_deadline_counts_from_the_first_download_however_long_resuming_takes(
    fetch, origin, bucket, monkeypatch
):
    """
    The sink was made long before: what is downloaded in time is stored in time.
    """
    monkeypatch.setattr(destination_module, "monotonic", lambda: monotonic() - 1_000)
    urls = [origin.url(f"/target/{n}") for n in range(3)]
    summary, _ = fetch(f"s3://{bucket}/kept", "r.jsonl", urls, "--deadline", "500")

    assert summary["counts"] == {"ok": 3}
