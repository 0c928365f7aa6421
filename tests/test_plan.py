"""Settings into shards: every URL exactly once, in sizes that hardly differ."""

import random
import re
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.invocations import urls

from experiment.fan_out_settings import FanOutSettings
from experiment.invocation import LedgerError
from experiment.listed import CHECKED_FIRST_BYTES
from experiment.numbers import ranges_of
from experiment.parameters import SettingsError
from experiment.plan import Plan, Todo, make_plan
from fetcher.source import numbers_in
from fetcher.urllist import UrlListError
from rollout import preflight
from rollout.errors import PreflightError


class Nowhere:
    """A session with no origin at hand: URLs are made, nothing is asked."""

    target = SimpleNamespace(allow_private=True)

    @staticmethod
    def template(settings):
        return f"http://h/{settings.file_kb}/{{number}}.jpg"


def plan_of(folder, source, **settings):
    return Plan(folder, FanOutSettings(**settings), source, allow_private=True)


@given(
    st.sets(st.integers(0, 2_000), min_size=1, max_size=300),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_a_wave_deals_every_number_exactly_once(left, concurrency, each):
    """
    Whatever an earlier wave left over, nothing is skipped or fetched twice.
    """
    plan = plan_of(
        Path("run"),
        urls((0, 2_001)),
        concurrency=concurrency,
        shards_per_execution=each,
        files=2_001,
    )
    shards = list(plan.wave(1, Todo(ranges_of(np.array(sorted(left))), len(left))))

    dealt = [number for shard in shards for number in numbers_in(shard.source.ranges)]
    sizes = [len(shard.source) for shard in shards]
    assert dealt == sorted(left)
    assert max(sizes) - min(sizes) <= 1
    assert len(shards) == min(concurrency * each, len(left))
    assert [shard.index for shard in shards] == list(range(len(shards)))
    assert {shard.wave for shard in shards} == {1}


def test_of_nothing_there_are_no_shards(tmp_path):
    plan = plan_of(tmp_path, urls((0, 10)), files=10)

    assert list(plan.wave(1, Todo([], 0))) == []


def test_a_shard_is_made_when_it_is_asked_for(tmp_path):
    """
    A plan of 100 million URLs would be a list of shards long before the first is sent.
    """
    many = 10**14
    plan = plan_of(tmp_path, urls((0, many)), files=many, concurrency=1_000)
    first = next(plan.wave(0, plan.everything))

    assert len(first.source) == 100_000  # a report on more may be too large


def test_a_shard_carries_what_the_settings_want(tmp_path):
    plan = plan_of(
        tmp_path,
        urls((0, 10)),
        concurrency=2,
        shards_per_execution=2,
        files=10,
        connections=7,
        attempts=5,
        sink="discard",
        timeout_s=30,
    )
    first, *_ = plan.wave(0, plan.everything)

    assert first.run == tmp_path.name
    assert (first.options.connections, first.options.attempts) == (7, 5)
    assert first.options.allow_private
    assert first.sink.kind == "discard"
    assert 0 < first.deadline_s < 30


def test_the_summary_says_what_is_going_to_happen(tmp_path):
    plan = plan_of(tmp_path, urls((0, 4_001)), files=4_001)

    assert plan.summary() == (
        "files: 4,001; shards: 8, of 501 files at most; executions at once: 2; "
        "connections in each: 20"
    )


def test_a_template_covers_as_many_files_as_wanted(tmp_path):
    settings = FanOutSettings(files=12, file_kb=3, run_folder=str(tmp_path))
    plan = make_plan("20_fan_out", settings, Nowhere)

    assert plan.folder == tmp_path
    assert plan.files == 12
    assert [item.url for item in plan.urls][-1] == "http://h/3/11.jpg"


def test_a_list_is_fetched_whole_whatever_files_says(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("".join(f"http://h/{number}\n" for number in range(9)))
    plan = make_plan("20_fan_out", FanOutSettings(url_list=str(path), files=2), Nowhere)

    assert plan.files == 9
    assert [url for lines in plan.urls.lines([(0, 99)]) for url in lines.urls] == [
        f"http://h/{number}" for number in range(9)
    ]


def test_a_list_shorter_than_the_shards_is_refused(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("http://h/1\nhttp://h/2\n")
    said = re.escape(
        f"{path} holds 2 URLs, fewer than the 8 shards of concurrency × "
        "shards_per_execution. Lower one of them."
    )

    with pytest.raises(SettingsError, match=said):
        make_plan("20_fan_out", FanOutSettings(url_list=str(path)), Nowhere)


def test_a_list_with_bad_lines_is_refused_naming_them(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("http://h/1\nftp://h/2\n\nhttp://h/1\n")

    with pytest.raises(UrlListError) as refused:
        make_plan("20_fan_out", FanOutSettings(url_list=str(path)), Nowhere)

    said = str(refused.value)
    assert "3 problems; nothing was fetched" in said
    assert "line 2: The scheme is 'ftp'" in said
    assert "line 3: is blank" in said
    assert "line 4: repeats the URL of line 1" in said


def test_a_list_that_is_not_there_is_refused(tmp_path):
    settings = FanOutSettings(url_list=str(tmp_path / "urls.txt"))

    with pytest.raises(SettingsError, match=r"url_list cannot be read: .*urls\.txt"):
        make_plan("20_fan_out", settings, Nowhere)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("http://h/same.jpg", r"'http://h/same\.jpg' has no \{number\} in it"),
        ("ftp://h/{number}.jpg", "The scheme is 'ftp'; only http and https"),
        ("h/{number}.jpg", "The scheme is ''; only http and https"),
        ("http://h /{number}.jpg", "holds a space or a control character"),
        ("http://h/{id}/{number}.jpg", r"holds '\{id\}', which stands for nothing"),
        ("s3://photos-{number%40}/{number}.jpg", "names 40 buckets; the function's"),
        ("s3://Photos/{number}.jpg", "The bucket is 'Photos'"),
    ],
)
def test_a_template_that_makes_no_urls_is_refused_by_name(template, said):
    """
    A bare ValueError counted as a crash, and did not say which parameter to mend.
    """
    session = SimpleNamespace(
        target=Nowhere.target, template=lambda settings: settings.url_template
    )

    with pytest.raises(SettingsError, match=f"^The url_template cannot .*{said}"):
        make_plan("20_fan_out", FanOutSettings(url_template=template), session)


def test_an_origin_that_is_no_address_is_refused_by_its_own_name():
    session = SimpleNamespace(target=Nowhere.target, template=lambda _: "h/{number}")

    with pytest.raises(SettingsError, match=r"^The origin_url cannot be used"):
        make_plan("20_fan_out", FanOutSettings(), session)


def test_a_run_folder_that_holds_a_run_is_refused(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    settings = FanOutSettings(run_folder=str(tmp_path))

    with pytest.raises(LedgerError, match=r"already holds a run\. Set another run_"):
        make_plan("20_fan_out", settings, Nowhere)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"file_kb": 10_000, "files": 1_000},
            "keeps 1,250,000,000 bytes in its temporary storage, which has 512 MB. Set",
        ),
        (
            {"concurrency": 2_000, "files": 8_000},
            "2,000 executions at once are wanted; the account has",
        ),
    ],
)
def test_what_the_target_cannot_take_is_refused_before_any_work(
    tmp_path, target, changed, said
):
    settings = FanOutSettings(**changed)
    plan = Plan(tmp_path, settings, urls((0, settings.files)), allow_private=True)

    with pytest.raises(PreflightError, match=re.escape(said)):
        preflight.check(target, plan.need())


@pytest.mark.parametrize("free", [{"sink": "discard"}, {"url_template": "h/{number}"}])
def test_tmp_is_not_counted_where_nothing_or_nobody_knows_what_goes_into_it(
    tmp_path, free
):
    plan = plan_of(tmp_path, urls((0, 1_000)), file_kb=10_000, files=1_000, **free)

    assert plan.need().scratch_bytes == 0


def test_what_is_needed_follows_the_largest_shard(tmp_path):
    plan = plan_of(tmp_path, urls((0, 41)), files=41, file_kb=10)
    need = plan.need()

    assert need.scratch_bytes == 6 * 10_000
    assert (need.concurrency, need.connections) == (2, 20)
    assert need.request_bytes == len(next(plan.wave(0, plan.everything)).to_json())
    assert 0 < need.deadline_s < need.timeout_s


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [({}, True), ({"url_list": True}, False), ({"url_list": True, "own": True}, True)],
)
def test_only_our_own_origin_may_be_private_without_being_asked(
    tmp_path, settings, allowed
):
    """
    A stranger's URL may redirect to what only this machine can reach.
    """
    path = tmp_path / "urls.txt"
    path.write_text("".join(f"http://h/{number}\n" for number in range(9)))
    chosen = FanOutSettings(
        url_list=str(path) if "url_list" in settings else "",
        allow_private="own" in settings,
    )

    assert make_plan("20_fan_out", chosen, Nowhere).allow_private is allowed


def test_a_list_with_a_password_is_refused_because_results_are_kept(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("".join(f"http://me:pw@h/{number}\n" for number in range(9)))

    with pytest.raises(SettingsError, match="url_list holds a user name"):
        make_plan("20_fan_out", FanOutSettings(url_list=str(path)), Nowhere)


def listed(folder, lines, name="urls.txt", **settings):
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return make_plan(
        "20_fan_out", FanOutSettings(url_list=str(path), **settings), Nowhere
    )


@pytest.mark.parametrize("deal_by", ["count", "host"])
def test_every_line_of_a_list_is_dealt_once_with_its_own_url(tmp_path, deal_by):
    lines = [f"http://h{number * number % 17}/{number}" for number in range(1_000)]
    plan = listed(tmp_path, lines, deal_by=deal_by)
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
        plan = listed(tmp_path, lines, deal_by=deal_by)
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
    plan = listed(tmp_path, ["url,bytes", *rows], "urls.csv", deal_by="bytes")
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
    assert sum(map(len, lines)) > CHECKED_FIRST_BYTES
    lines[150_000] = "no URL at all"
    plan = listed(tmp_path, lines, concurrency=10, shards_per_execution=10)

    assert plan.many is None
    assert plan.files == pytest.approx(200_000, rel=0.01)
    assert "files: about 2" in plan.summary()
    shards = list(plan.wave(0, plan.everything))
    assert plan.many == plan.files == 200_000
    assert len(shards) == pytest.approx(100, abs=2)
    urls = [item.url for shard in shards for item in shard.source]
    assert urls[:150_000] == lines[:150_000]
    assert urls[150_000] == "no URL at all"
