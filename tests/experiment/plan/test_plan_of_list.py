"""A list of URLs into shards: each line once, dealt as is wanted."""

import base64
import random
from dataclasses import replace
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.plans import Nowhere

from aws_facts.limits import limit
from experiment.parameters.checks import SettingsError
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.run_plan import make_plan
from fetcher.contract.source import Item, numbers_in
from fetcher.lists.url_list import UrlListError

ONE_SHARD = {"concurrency": 1, "shards_per_execution": 1}
IN_TARS = {"sink": "s3-tar", "sink_path": "s3://photos/kept"}
NINE = [f"http://h/{number}" for number in range(9)]


def listed(folder, lines, name="urls.txt", **settings):
    path = folder / name
    if lines is not None:
        path.write_text("".join(f"{line}\n" for line in lines))
    return make_plan(
        "20_fan_out", FanOutSettings(url_list=str(path), **settings), Nowhere
    )


def dealt(plan):
    return list(plan.wave(0, plan.everything))


@pytest.mark.parametrize("deal_by", ["count", "host"])
def test_every_line_of_a_list_is_dealt_once_with_its_own_url(tmp_path, deal_by):
    """
    Whatever `files` says.
    """
    lines = [f"http://h{number * number % 17}/{number}" for number in range(1_000)]
    plan = listed(tmp_path, lines, deal_by=deal_by, shard_sizes="equal", files=20)
    shards = dealt(plan)
    items = sorted(item for shard in shards for item in shard.source)
    sizes = [len(shard.source) for shard in shards]

    assert [item.number for item in items] == list(range(1_000))
    assert [item.url for item in items] == lines
    assert len(shards) == plan.settings.shards
    assert max(sizes) - min(sizes) <= 1


def test_dealt_by_host_a_shard_has_few_hosts(tmp_path):
    """
    Names are looked up, and connections opened, once an execution.
    """
    lines = [f"http://h{number % 16}/{number}" for number in range(1_600)]
    pairs = {}
    for deal_by in ("count", "host"):
        plan = listed(tmp_path, lines, deal_by=deal_by, shard_sizes="equal")
        pairs[deal_by] = {
            (shard.index, item.url.split("/")[2])
            for shard in dealt(plan)
            for item in shard.source
        }

    assert len(pairs["count"]) == 16 * 8
    assert len(pairs["host"]) == 16


def test_dealt_by_bytes_shards_take_equally_long(tmp_path):
    sizes = [1_000_000 if number < 10 else 10_000 for number in range(1_000)]
    rows = [f"http://h/{number},{size}" for number, size in enumerate(sizes)]
    table = ["url,bytes", *rows]
    alike = {"deal_by": "bytes", "shard_sizes": "equal"}
    plan = listed(tmp_path, table, "urls.csv", **alike)
    shards = dealt(plan)
    numbers = [list(numbers_in(shard.source.ranges)) for shard in shards]
    heavy = [sum(sizes[number] for number in some) for some in numbers]

    assert sorted(chain(*numbers)) == list(range(1_000))
    assert max(heavy) - min(heavy) <= 2 * max(sizes)
    assert max(map(len, numbers)) > 10 * min(map(len, numbers))


@pytest.mark.parametrize(
    ("lines", "deal_by", "error", "said"),
    [
        (NINE, "bytes", SettingsError, r"tells no sizes\. Give it a column `bytes`"),
        (NINE[:2], "count", SettingsError, "holds 2 URLs, fewer than the 8 shards"),
        (["one", "two", NINE[0]], "count", UrlListError, "2 of its 3 rows cannot"),
        (None, "count", UrlListError, r"No such file or directory: .*urls\.txt\."),
    ],
    ids=["no sizes", "too short", "no list", "not there"],
)
def test_a_list_that_cannot_be_dealt_is_refused(tmp_path, lines, deal_by, error, said):
    with pytest.raises(error, match=said):
        listed(tmp_path, lines, deal_by=deal_by)


def test_rows_that_cannot_be_fetched_are_dealt_and_settled_by_the_list(tmp_path):
    rows = [NINE[1], "ftp://h/2", "", NINE[1], "http://me:pw@h/3", NINE[4]]
    (shard,) = dealt(listed(tmp_path, rows, **ONE_SHARD))

    assert [item.refusal.partition(":")[0] for item in shard.source] == [
        *("", "bad_url", "duplicate", "bad_url", "")
    ]
    assert b"pw" not in shard.to_json()


@pytest.mark.parametrize("allowed", [False, True])
def test_only_our_own_origin_may_be_private_without_being_asked(tmp_path, allowed):
    """
    A stranger's URL may redirect to what only this machine can reach.
    """
    assert make_plan("20_fan_out", FanOutSettings(), Nowhere).allow_private
    assert listed(tmp_path, NINE, allow_private=allowed).allow_private is allowed


def test_long_urls_make_more_shards_so_that_requests_stay_small(tmp_path):
    """
    Lambda takes 6 MB; and what is in flight is in memory, a thousand times.
    """
    noise = random.Random(1)
    lines = [f"http://h/{n}/{noise.randbytes(900).hex()}" for n in range(4_000)]
    plan = listed(tmp_path, lines, **ONE_SHARD)
    shards = dealt(plan)

    assert [item.url for shard in shards for item in shard.source] == lines
    assert len(shards) > 1
    assert max(len(shard.to_json()) for shard in shards) < 5_000_000


def test_a_long_list_is_not_read_before_its_first_shard_is_sent(tmp_path):
    """
    Its length is estimated, and its lines are outcomes, right or wrong.
    """
    lines = [f"http://host/{number:08}.jpg" for number in range(200_000)]
    lines[150_000] = "no URL at all"
    wide = {"concurrency": 10, "shards_per_execution": 10}
    plan = listed(tmp_path, lines, **wide, shard_sizes="equal")

    assert plan.many is None
    assert plan.files == pytest.approx(200_000, rel=0.03)
    assert "files: about 19" in plan.summary() or "about 20" in plan.summary()
    shards = dealt(plan)
    assert plan.many == plan.files == 200_000
    assert len(shards) == pytest.approx(100, abs=4)
    urls = [item.url for shard in shards for item in shard.source]
    assert urls[:150_000] == lines[:150_000]
    assert urls[150_000] == "no URL at all"


@pytest.mark.parametrize("deal_by", ["count", "host", "bytes"])
def test_columns_too_long_for_an_event_stay_behind_and_their_row_is_dealt(
    tmp_path, deal_by
):
    """
    Lines of text are never as long; texts in Parquet can have any length.
    """
    noise = base64.b64encode(random.Random(1).randbytes(5_000_000)).decode()
    captions = ["a cat", noise, "a dog"]
    columns = {"url": NINE[:3], "caption": captions, "bytes": [7, 8, 9]}
    pq.write_table(pa.table(columns), tmp_path / "urls.parquet")
    plan = listed(tmp_path, None, "urls.parquet", deal_by=deal_by, **ONE_SHARD)
    shards = dealt(replace(plan, settings=replace(plan.settings, **IN_TARS)))
    rows = [item for shard in shards for item in shard.source]

    assert [row.url for row in rows] == NINE[:3]
    assert [row.columns.get("caption") for row in rows] == ["a cat", None, "a dog"]
    assert sum(len(shard.to_json()) for shard in shards) < limit("request_bytes").most


def test_columns_are_those_named_and_captions_go_where_they_are_kept(tmp_path):
    lines = ["id,page,src,caption", "7.jpg,http://p/1,http://h/1,a cat"]
    columns = {"url_column": "src", "name_column": "id"}
    plan = listed(tmp_path, lines, "urls.csv", **columns, **ONE_SHARD)
    in_tars = replace(plan, settings=replace(plan.settings, **IN_TARS))
    ((here,), (kept,)) = (dealt(one)[0].source for one in (plan, in_tars))

    assert here == Item(0, "http://h/1", "7.jpg")
    assert kept.columns == {"page": "http://p/1", "caption": "a cat"}
