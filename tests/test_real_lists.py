"""Lists as people have them, through every entrance: the same rows, the same ends."""

import csv
import io
import json
from types import SimpleNamespace

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.support.bucket_contents import objects_in
from tests.support.handler_shards import Context, invoke
from tests.support.misbehaving_origin import JPEG
from tests.support.plans import AWS, Nowhere, item
from tests.support.url_lists import PACKED, told
from webdataset import tariterators

from experiment.cost.price_estimate import estimate
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.run_plan import make_plan
from experiment.tables.downloads_table import Names, downloads_table
from experiment.tables.outcome_merging import OutcomeBlock
from fetcher import handler
from fetcher.__main__ import main
from fetcher.contract.inline_source import Inline
from fetcher.contract.options import SinkSpec
from fetcher.lists.url_list import UrlList
from rollout.manifest.list_conversion import convert

CAPTION = 'a "cat",\non a mát'
ENDS = ["ok", "bad_url", "ok", "duplicate", "http_status", "ok"]


def in_csv(rows, delimiter=",", header=("url", "caption")):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([header, *rows] if header else rows)
    return text.getvalue()


def in_parquet(rows):
    urls, captions = zip(*rows, strict=True)
    table = pa.table({"SAMPLE_ID": range(len(urls)), "URL": urls, "TEXT": captions})
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def in_jsonl(rows):
    return "\n".join(json.dumps({"image_url": url, "c": text}) for url, text in rows)


def in_text(rows):
    return "# mine\n\n" + "\n".join(url for url, _ in rows)


def headless(rows):
    return in_csv([(text, url) for url, text in rows], "\t", ())


def with_semicolons(rows):
    return "\ufeff" + in_csv(rows, ";", ("link", "caption"))


# Each with its file's name, what is in it, its encoding, and the column of captions.
SHAPES = {
    "LAION's Parquet": ("a.parquet", in_parquet, "", "TEXT"),
    "twenty Parquet files": ("part-{}.parquet", in_parquet, "", "TEXT"),
    "CC3M's TSV without a header": ("a.tsv", headless, "utf-8", "column_1"),
    "packed CSV with lines in quotes": ("a.csv.gz", in_csv, "utf-8", "caption"),
    "Excel's Unicode text": (
        *("a.txt", lambda rows: in_csv(rows, "\t"), "utf-16", "caption"),
    ),
    "Excel's CSV with semicolons": ("a.csv", with_semicolons, "utf-8", "caption"),
    "Latin-1": ("a.csv", in_csv, "latin-1", "caption"),
    "JSON lines in xz": ("a.jsonl.xz", in_jsonl, "utf-8", "c"),
    "text in Zstandard": ("a.txt.zst", in_text, "utf-8", ""),
    "text with comments": ("a.txt", in_text, "utf-8", ""),
}


@pytest.fixture
def rows(origin):
    """Rows that end as `ENDS` say."""
    first = origin.url("/bytes/1")
    urls = [first, "not a URL", origin.url("/bytes/2/a b"), f"{first}#again"]
    return [
        (url, CAPTION) for url in [*urls, *map(origin.url, ("/status/404", "/bytes/3"))]
    ]


@pytest.fixture(params=SHAPES)
def shape(request, rows, tmp_path):
    """The name of a list, or a pattern of several, and what its rows carry along."""
    name, write, encoding, column = SHAPES[request.param]
    parts = [[row] for row in rows] if "{}" in name else [rows]
    for at, part in enumerate(parts):
        path = tmp_path / name.format(at)
        content = write(part).encode(encoding) if encoding else write(part)
        path.write_bytes(PACKED.get(path.suffix, bytes)(content))
    return str(tmp_path / name.format("*")), {column: CAPTION} if column else {}


def outcomes_on_lambda(source):
    downloads = invoke(source, SinkSpec(kind="discard")).downloads
    return [one.outcome for one in downloads]


def test_every_entrance_has_the_same_rows_and_outcomes(shape, tmp_path):
    path, caption = shape
    report = tmp_path / "report.jsonl"
    words = [path, "--to", str(tmp_path / "out"), "--report", str(report)]
    status = main([*words, "--allow-private", "--processes", "1", "--in-order"])
    by_command = [json.loads(line) for line in report.read_text().splitlines()]

    settings = FanOutSettings(url_list=path, concurrency=1, shards_per_execution=1)
    plan = make_plan("20_fan_out", settings, Nowhere)
    (shard,) = plan.wave(0, plan.everything)
    block = OutcomeBlock(0, len(ENDS))
    table = downloads_table(block, plan.urls, Names("a run", "local", 1)).to_pylist()
    convert(path, tmp_path / "again.jsonl")
    again = UrlList(tmp_path / "again.jsonl")

    assert status == 1
    assert [one["outcome"] for one in by_command] == ENDS
    assert outcomes_on_lambda(shard.source) == ENDS
    assert outcomes_on_lambda(Inline.of(list(again))) == ENDS
    assert by_command[ENDS.index("duplicate")]["detail"] == "repeats the URL of row 1"
    urls = [row[:2] for row in told(plan.urls)]
    assert [row for row, _ in urls] == [1, 2, 3, 4, 5, 6]
    assert urls == [row[:2] for row in told(again)]
    assert urls == [(one["row"], one["url"]) for one in by_command]
    assert urls == [(one["number"] + 1, one["url"]) for one in table]
    carried = [json.loads(one["carried"] or "{}") for one in table]
    for one in (*by_command, *carried, *(row[3] for row in told(again))):
        assert one | caption == one


def picture(number):
    """Return what says JPEG in its first bytes only, and is no other's."""
    return JPEG + f"picture {number}".encode()


def test_captions_of_a_list_are_beside_the_pictures_in_the_tars_that_lambda_writes(
    origin, tmp_path, bucket, s3, endpoint, target, monkeypatch
):
    """
    All the way: `rollout manifest`, the deal of a run, the worker, S3, and WebDataset.
    """
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint.endpoint_url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        for body in map(picture, range(5))
    ]
    rows = [(origin.saying(one), f"{CAPTION} {n}") for n, one in enumerate(answers)]
    (tmp_path / "a.parquet").write_bytes(in_parquet(rows))
    convert(str(tmp_path / "a.parquet"), tmp_path / "a.jsonl")
    settings = FanOutSettings(
        url_list=str(tmp_path / "a.jsonl"),
        concurrency=2,
        shards_per_execution=1,
        allow_private=True,
        sink="s3-tar",
        sink_path=f"s3://{bucket}/kept",
    )
    plan = make_plan("20_fan_out", settings, SimpleNamespace(target=target))
    for shard in plan.wave(0, plan.everything):
        handler.download(json.loads(shard.to_json()), Context())
    objects = objects_in(s3, bucket)
    tars = sorted(key for key in objects if key.endswith(".tar"))
    shards = [{"url": key, "stream": io.BytesIO(objects[key])} for key in tars]
    opened = tariterators.tar_file_expander(iter(shards))
    samples = list(tariterators.group_by_keys(opened))

    assert len(tars) == 2
    assert [sample["jpg"] for sample in samples] == list(map(picture, range(5)))
    for number, (sample, (url, caption)) in enumerate(zip(samples, rows, strict=True)):
        beside = json.loads(sample["json"])
        assert sample["__key__"] == f"{number:09}"
        expected = {"url": url, "TEXT": caption, "SAMPLE_ID": number}
        assert beside | expected == beside


def test_files_of_a_list_in_s3_are_what_the_function_may_read_and_are_priced(tmp_path):
    """Executions ask S3 themselves: what they may is their role's policy."""
    path = tmp_path / "urls.txt"
    path.write_text("s3://photos/2026/1.jpg\n")
    settings = FanOutSettings(
        url_list=str(path),
        sources=["s3://photos/2026"],
        concurrency=1,
        shards_per_execution=1,
    )
    plan = make_plan("20_fan_out", settings, Nowhere)
    (shard,) = plan.wave(0, plan.everything)

    assert [one.refusal for one in shard.source] == [""]
    assert shard.options.allow_s3
    assert plan.worker().sources == ("s3://photos/2026",)
    assert item(estimate(plan, AWS).least, "reads from S3").amount == 1
