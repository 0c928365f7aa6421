"""Settings into shards: every URL exactly once, in sizes that hardly differ."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.plans import Nowhere, plan_of
from tests.support.recorded_invocations import urls

from experiment.ledger.invocation import LedgerError
from experiment.ledger.number_set import ranges_of
from experiment.ledger.run_folder import open_run
from experiment.parameters.cell import SettingsError
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.demand import demand_of
from experiment.plan.plan import Plan, Todo, make_plan
from fetcher.contract.shard import MOST_HOSTS_BYTES
from fetcher.contract.source import Item, numbers_in
from fetcher.lists.url_list import UrlListError
from fetcher.transfer.flow.connection_limit import FIRST
from rollout.errors import PreflightError
from rollout.preflight import checks


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
        "files: 4,001; shards: 11, of 501 files at most; executions at once: 2; "
        "connections in each: as many as are of use"
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
    assert [url for rows in plan.urls.blocks([(0, 99)]) for url in rows.urls] == [
        f"http://h/{number}" for number in range(9)
    ]


def test_columns_are_those_named_and_captions_go_where_they_are_kept(tmp_path):
    path = tmp_path / "urls.csv"
    path.write_text("id,page,src,caption\n7.jpg,http://p/1,http://h/1,a cat\n")
    settings = FanOutSettings(
        url_list=str(path),
        url_column="src",
        name_column="id",
        concurrency=1,
        shards_per_execution=1,
    )
    plan = make_plan("20_fan_out", settings, Nowhere)
    in_tars = replace(settings, sink="s3-tar", sink_path="s3://photos/kept")
    plans = plan, replace(plan, settings=in_tars)
    shards = [next(iter(one.wave(0, one.everything))) for one in plans]
    ((here,), (kept,)) = (tuple(shard.source) for shard in shards)

    assert here == Item(0, "http://h/1", "7.jpg")
    assert kept.columns == {"page": "http://p/1", "caption": "a cat"}


def test_a_list_shorter_than_the_shards_is_refused(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("http://h/1\nhttp://h/2\n")
    said = re.escape(
        f"{path} holds 2 URLs, fewer than the 8 shards of concurrency × "
        "shards_per_execution. Lower one of them."
    )

    with pytest.raises(SettingsError, match=said):
        make_plan("20_fan_out", FanOutSettings(url_list=str(path)), Nowhere)


def test_rows_that_cannot_be_fetched_are_dealt_and_settled_by_the_list(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("http://h/1\nftp://h/2\n\nhttp://h/1\nhttp://me:pw@h/3\nhttp://h/4")
    settings = FanOutSettings(url_list=str(path), concurrency=1, shards_per_execution=1)
    plan = make_plan("20_fan_out", settings, Nowhere)
    (shard,) = plan.wave(0, plan.everything)

    assert [item.refusal.partition(":")[0] for item in shard.source] == [
        *("", "bad_url", "duplicate", "bad_url", "")
    ]
    assert b"pw" not in shard.to_json()


def test_a_list_that_cannot_be_what_was_meant_is_refused(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_text("one\ntwo\nhttp://h/1\n")

    with pytest.raises(UrlListError, match="2 of its 3 rows cannot be used"):
        make_plan("20_fan_out", FanOutSettings(url_list=str(path)), Nowhere)


def test_a_list_that_is_not_there_is_refused(tmp_path):
    settings = FanOutSettings(url_list=str(tmp_path / "urls.txt"))

    with pytest.raises(SettingsError, match=r"url_list cannot be read: .*urls\.txt"):
        make_plan("20_fan_out", settings, Nowhere)


def test_without_files_a_plan_is_a_pilot_s_unless_it_resumes_a_run(tmp_path):
    plan = make_plan("20_fan_out", FanOutSettings(), Nowhere)
    sized = plan.of_files(500).settings
    open_run("20_fan_out", sized, tmp_path, region="here").close(verdict="")
    again = FanOutSettings(run_folder=str(tmp_path), resume=True)
    resumed = make_plan("20_fan_out", again, Nowhere)

    assert (plan.is_pilot, resumed.is_pilot) == (True, False)
    assert (plan.files, resumed.files) == (4 * 2 * FIRST, 500)
    template = FanOutSettings(url_template="http://h/{number}")
    with pytest.raises(SettingsError, match="Set files, too: how many a url_template"):
        make_plan("20_fan_out", template, Nowhere)


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
            "`concurrency` is 2,000; the account has",
        ),
    ],
)
def test_what_the_target_cannot_take_is_refused_before_any_work(
    tmp_path, target, changed, said
):
    settings = FanOutSettings(**changed)
    plan = Plan(tmp_path, settings, urls((0, settings.files)), allow_private=True)

    with pytest.raises(PreflightError, match=re.escape(said)):
        checks.check(target, demand_of(plan))


@pytest.mark.parametrize("free", [{"sink": "discard"}, {"url_template": "h/{number}"}])
def test_tmp_is_not_counted_where_nothing_or_nobody_knows_what_goes_into_it(
    tmp_path, free
):
    plan = plan_of(tmp_path, urls((0, 1_000)), file_kb=10_000, files=1_000, **free)

    assert demand_of(plan).execution.scratch_bytes == 0


def test_what_is_needed_follows_the_largest_shard(tmp_path):
    plan = plan_of(tmp_path, urls((0, 41)), files=41, file_kb=10)
    demand = demand_of(plan)
    execution, invocation = demand.execution, demand.invocation

    assert execution.scratch_bytes == 6 * 10_000
    assert (demand.concurrency, execution.connections) == (2, 0)
    first = next(plan.wave(0, plan.everything))
    assert invocation.request_bytes == len(first.to_json()) + MOST_HOSTS_BYTES
    assert 0 < invocation.deadline_s < demand.function.timeout_s


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
