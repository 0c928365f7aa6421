"""Settings into shards: every URL exactly once, in sizes that hardly differ."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.plans import Nowhere, plan_of

from experiment.ledger.number_set import ranges_of
from experiment.ledger.run_folder import open_run
from experiment.parameters.checks import SettingsError
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.demand import demand_of
from experiment.plan.run_plan import Todo, make_plan
from fetcher.contract.shard_messages import MOST_HOSTS_BYTES
from fetcher.contract.source import numbers_in
from fetcher.transfer.flow.adaptive_limit import FIRST


@given(
    st.sets(st.integers(0, 2_000), max_size=300),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_a_wave_deals_every_number_exactly_once(left, concurrency, each):
    """
    Whatever an earlier wave left over, nothing is skipped or fetched twice.
    """
    plan = plan_of(files=2_001, concurrency=concurrency, shards_per_execution=each)
    shards = list(plan.wave(1, Todo(ranges_of(np.array(sorted(left))), len(left))))

    dealt = [number for shard in shards for number in numbers_in(shard.source.ranges)]
    sizes = [len(shard.source) for shard in shards]
    assert dealt == sorted(left)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert len(shards) == min(concurrency * each, len(left))
    assert [(shard.index, shard.wave) for shard in shards] == [
        (index, 1) for index in range(len(shards))
    ]


def test_a_shard_is_made_when_it_is_asked_for():
    """
    A plan of 100 million URLs would be a list of shards long before the first is sent.
    """
    plan = plan_of(files=10**14, concurrency=1_000)
    first = next(plan.wave(0, plan.everything))

    assert len(first.source) == 100_000  # a report on more may be too large


def test_a_shard_carries_what_the_settings_want(tmp_path):
    plan = plan_of(
        folder=tmp_path,
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


def test_the_summary_says_what_is_going_to_happen():
    assert plan_of(files=4_001).summary() == (
        "files: 4,001; shards: 11, of 501 files at most; executions at once: 2; "
        "connections in each: adaptive"
    )


def test_without_files_a_plan_is_a_pilot_s_unless_it_resumes_a_run(tmp_path):
    plan = make_plan("20_fan_out", FanOutSettings(), Nowhere)
    assert [item.url for item in plan.of_files(12).urls][-1] == "http://h/10/11.jpg"
    sized = plan.of_files(500).settings
    open_run("20_fan_out", sized, tmp_path, region="here").close(verdict="")
    again = FanOutSettings(run_folder=str(tmp_path), resume=True)
    resumed = make_plan("20_fan_out", again, Nowhere)

    assert (plan.is_pilot, resumed.is_pilot) == (True, False)
    assert (plan.files, resumed.files) == (4 * 2 * FIRST, 500)
    assert resumed.folder == tmp_path
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
    session = SimpleNamespace(target=Nowhere.target, template=lambda _: template)

    with pytest.raises(SettingsError, match=f"^The url_template cannot .*{said}"):
        make_plan("20_fan_out", FanOutSettings(url_template=template), session)
    with pytest.raises(SettingsError, match=r"^The origin_url cannot be used"):
        make_plan("20_fan_out", FanOutSettings(), session)


def test_what_is_needed_follows_the_largest_shard():
    """
    And nothing of /tmp, where nothing goes into it or nobody knows what does.
    """
    plan = plan_of(files=41, file_kb=10)
    demand = demand_of(plan)
    execution, invocation = demand.execution, demand.invocation

    assert execution.scratch_bytes == 6 * 10_000
    assert (demand.concurrency, execution.connections) == (2, 0)
    first = next(plan.wave(0, plan.everything))
    assert invocation.request_bytes == len(first.to_json()) + MOST_HOSTS_BYTES
    assert 0 < invocation.deadline_s < demand.function.timeout_s
    for free in ({"sink": "discard"}, {"url_template": "h/{number}"}):
        assert demand_of(plan_of(file_kb=10_000, **free)).execution.scratch_bytes == 0
