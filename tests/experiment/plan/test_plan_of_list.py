"""A list of URLs into shards: each line once, dealt as is wanted."""

import random
from itertools import chain

import pytest
from tests.support.plans import Nowhere

from experiment.parameters.cell import SettingsError
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.plan import make_plan
from fetcher.contract.source import numbers_in


def listed(folder, lines, name="urls.txt", **settings):
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return make_plan(
        "20_fan_out", FanOutSettings(url_list=str(path), **settings), Nowhere
    )


@pytest.mark.parametrize("deal_by", ["count", "host"])
def test_every_line_of_a_list_is_dealt_once_with_its_own_url(tmp_path, deal_by):
    lines = [f"http://h{number * number % 17}/{number}" for number in range(1_000)]
    plan = listed(tmp_path, lines, deal_by=deal_by, shard_sizes="equal")
    shards = list(plan.wave(0, plan.everything))
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
            for shard in plan.wave(0, plan.everything)
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
    shards = list(plan.wave(0, plan.everything))
    numbers = [list(numbers_in(shard.source.ranges)) for shard in shards]
    heavy = [sum(sizes[number] for number in some) for some in numbers]

    assert sorted(chain(*numbers)) == list(range(1_000))
    assert max(heavy) - min(heavy) <= 2 * max(sizes)
    assert max(map(len, numbers)) > 10 * min(map(len, numbers))


def test_bytes_that_no_list_tells_cannot_be_dealt_by(tmp_path):
    with pytest.raises(
        SettingsError, match=r"tells no sizes\. Give it a column `bytes`"
    ):
        listed(tmp_path, [f"http://h/{n}" for n in range(9)], deal_by="bytes")


def test_long_urls_make_more_shards_so_that_requests_stay_small(tmp_path):
    """
    Lambda takes 6 MB; and what is in flight is in memory, a thousand times.
    """
    noise = random.Random(1)
    lines = [f"http://h/{n}/{noise.randbytes(900).hex()}" for n in range(4_000)]
    plan = listed(tmp_path, lines, concurrency=1, shards_per_execution=1)
    shards = list(plan.wave(0, plan.everything))

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
    shards = list(plan.wave(0, plan.everything))
    assert plan.many == plan.files == 200_000
    assert len(shards) == pytest.approx(100, abs=4)
    urls = [item.url for shard in shards for item in shard.source]
    assert urls[:150_000] == lines[:150_000]
    assert urls[150_000] == "no URL at all"
