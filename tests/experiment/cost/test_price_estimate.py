"""Dollars of a plan before it runs, and what of it is too dear."""

import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.plans import AWS, ORIGINAL, item, plan_of

from experiment.cost.price_estimate import estimate
from experiment.cost.spending_limit import DryRun, check
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.project_root import root
from experiment.parameters.settings_file import read_settings_file
from experiment.plan.demand import demand_of
from fetcher.contract.template_source import Template
from fetcher.lists.url_list import UrlList
from rollout.errors import PreflightError
from rollout.price import REQUEST_BYTES

NETWORK = {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}
SETTINGS = root() / "notebooks" / "settings"
TOO_DEAR = ORIGINAL | {"timeout_s": 900, "memory_mb": 1_769}
HERE = SimpleNamespace(region="us-east-1", asks_iam=False)


def test_a_plan_costs_at_least_what_the_model_expects_and_at_most_its_timeouts():
    price = estimate(plan_of(**ORIGINAL, timeout_s=60, hedge=False), AWS)

    line_s = 1.7e12 / (625e6 / 8)  # a burst beats the line, a cold start costs more
    assert item(price.least, "of memory").amount == pytest.approx(line_s / 2, rel=0.15)
    assert "bottleneck: " in str(price)
    most_s = 2 * 1_000 * 60 + 1_000 * 10  # two waves, and every init
    assert item(price.most, "of memory").amount == most_s / 2
    assert item(price.most, "requests").amount == 2_000


@given(
    st.integers(1, 2_000),
    st.integers(1, 4),
    st.integers(1, 100),
    st.integers(1, 900),
    st.booleans(),
)
def test_at_least_is_never_more_than_at_most(files, waves, width, timeout_s, hedge):
    wide = {"concurrency": min(width, files), "shards_per_execution": 1, "file_kb": 1}
    plan = plan_of(files=files, waves=waves, timeout_s=timeout_s, hedge=hedge, **wide)
    price = estimate(plan, AWS)

    assert 0 < price.least.dollars <= price.most.dollars


@pytest.mark.parametrize("deal_by", ["count", "host"])
@pytest.mark.parametrize("shard_sizes", ["equal", "falling"])
def test_long_urls_are_priced_as_the_shards_that_they_are_dealt_into(
    monkeypatch, tmp_path, deal_by, shard_sizes
):
    """
    Text in flight is limited, so a shard may hold fewer URLs than its share.
    """
    monkeypatch.setattr("experiment.plan.run_plan._TEXT_IN_FLIGHT", 128_000)
    path = tmp_path / "urls.txt"
    lines = (f"http://h/{n}/".ljust(99, "x") for n in range(2_000))
    path.write_text("\n".join(lines))
    wide = {"concurrency": 10, "shards_per_execution": 1, "connections": 1}
    dealt = {"deal_by": deal_by, "shard_sizes": shard_sizes, "hedge": False}
    plan = plan_of(UrlList(path), url_list=str(path), waves=1, **wide, **dealt)
    shards = sum(1 for _ in plan.wave(0, plan.everything))

    assert shards > 10
    assert item(estimate(plan, AWS).most, "requests").amount == shards


def test_what_is_too_dear_is_refused_with_what_to_change():
    price = estimate(plan_of(**TOO_DEAR), AWS)

    with pytest.raises(PreflightError, match=r"`max_cost_usd`\. Set") as caught:
        check(FanOutSettings(**TOO_DEAR), price)
    said = str(caught.value)
    (timeout_s,) = re.findall(r"Set `timeout_s` to (\d+),", said)
    (dollars,) = re.findall(r"Or set `max_cost_usd` to ([\d.]+)\.$", said)

    for change in ({"timeout_s": int(timeout_s)}, {"max_cost_usd": float(dollars)}):
        allowed = TOO_DEAR | change
        check(FanOutSettings(**allowed), estimate(plan_of(**allowed), AWS))

    kept = ORIGINAL | {"sink": "s3-objects", "sink_path": "s3://photos/x"}
    with pytest.raises(PreflightError, match="item is 1,583 GB in S3 for a month"):
        check(FanOutSettings(**kept), estimate(plan_of(**kept), AWS))


@pytest.mark.parametrize("path", sorted(SETTINGS.glob("*-aws.yaml")), ids=str)
def test_settings_for_aws_run_as_they_are(path):
    """Whoever follows their header is not stopped by the default of `max_cost_usd`."""
    plan = plan_of(**read_settings_file(path))

    check(plan.settings, estimate(plan, AWS))


def test_an_efs_and_the_regions_own_prices_are_in_the_estimate():
    point = "access-point/fsap-0123456789abcdef0"
    efs = f"arn:aws:elasticfilesystem:us-east-1:123456789012:{point}"
    on_efs = {"efs": efs, "sink_path": "/mnt/files", **NETWORK}
    price = estimate(plan_of(**on_efs, file_kb=1_000), AWS)
    assert item(price.least, "GB written to EFS").dollars == pytest.approx(
        400e6 / 2**30 * 0.06
    )
    assert item(price.least, "GB in EFS for a month")
    assert not price.most.assumes

    far = SimpleNamespace(region="ap-east-1", asks_iam=True)
    price = estimate(plan_of(), far)
    assert item(price.least, "of memory").each == 0.0000183
    assert "(assumed: us-east-1's price)" in str(price)
    assert "No source here has ap-east-1's own price where one" in str(price)


def test_a_grid_is_refused_as_a_whole():
    """
    Each of its runs is cheap enough.
    """
    settings = ORIGINAL | {"timeout_s": 60}
    one = estimate(plan_of(**settings), AWS)
    check(FanOutSettings(**settings), *[one] * 3)

    with pytest.raises(PreflightError, match="fewer `repeats`"):
        check(FanOutSettings(**settings), *[one] * 40)


def test_a_dry_run_stops_after_plan_and_price_and_is_refused_if_it_is_too_dear():
    dry = {"dry_run": True}
    with pytest.raises(DryRun, match="nothing was deployed or invoked") as stopped:
        check(FanOutSettings(**dry), estimate(plan_of(**dry), HERE))
    (said,) = stopped.value._render_traceback_()
    assert said == str(stopped.value)

    dear = TOO_DEAR | dry
    with pytest.raises(PreflightError):
        check(FanOutSettings(**dear), estimate(plan_of(**dear), AWS))


def test_sizes_that_nobody_knows_are_guessed_and_the_guess_is_told(tmp_path):
    template = {"url_template": "http://h/{number}", "file_kb": 1_700}
    price = estimate(plan_of(**template), AWS)
    assert price.notes == (
        "How large files are is not known: 1,700 kB each, as `file_kb` says.",
    )

    path = tmp_path / "urls.csv"
    path.write_text("url,bytes\nhttp://h/1,1000000\nhttp://h/2,3000000\n")
    settings = {"url_list": str(path), "concurrency": 1, "shards_per_execution": 1}
    listed = estimate(plan_of(UrlList(path), **settings), AWS)
    assert listed.notes == ("File sizes are those the list begins with.",)
    line_s = item(listed.least, "of memory").amount / 1_769 * 1_024
    assert 4e6 / 359e6 < line_s < 2  # in a burst, after a cold start


@pytest.mark.parametrize(
    ("sink", "writes"), [("s3-objects", 1_000_000), ("s3-tar", 3_000 + 324_249)]
)
def test_a_sink_in_s3_costs_its_requests_and_a_month(sink, writes):
    """
    A tar's parts are counted as small as S3 takes them: they are never more.
    """
    settings = ORIGINAL | {"sink": sink, "sink_path": "s3://photos/x"}
    price = estimate(plan_of(**settings), AWS)

    assert item(price.least, "writes to S3").amount == writes
    stored = 1.7e12 + (1_024 * 1e6 if sink == "s3-tar" else 0)
    assert item(price.least, "for a month").amount == pytest.approx(stored / 2**30)


@pytest.mark.parametrize(
    ("template", "between", "read"),
    [
        ("https://photos.s3.us-east-1.amazonaws.com/{number}", False, True),
        ("https://photos.s3.eu-west-1.amazonaws.com/{number}", True, True),
        ("https://s3-ap-southeast-2.amazonaws.com/photos/{number}", True, True),
        ("https://p.s3.dualstack.us-gov-west-1.amazonaws.com/{number}", True, True),
        ("s3://photos/{number}", False, True),
        ("https://h.example.com/s3.eu-west-1.amazonaws.com/{number}", False, False),
    ],
)
def test_files_from_s3_cost_requests_and_a_transfer_from_other_regions(
    template, between, read
):
    price = estimate(plan_of(Template(template, ((0, 1_000),)), files=1_000), AWS)

    assert bool(item(price.least, "from another region")) == between
    assert bool(item(price.least, "reads from S3")) == read
    sent_bytes = item(price.least, "to the internet").amount * 2**30
    assert (sent_bytes > 1_000 * REQUEST_BYTES) != read


@pytest.mark.parametrize(
    ("sink", "path", "ways"), [("directory", "", 1), ("s3-tar", "s3://kept/a", 2)]
)
def test_from_a_network_of_ones_own_every_byte_passes_a_gateway(sink, path, ways):
    """
    And again if it is tried again: that is dearer than the rest of a run.
    """
    settings = ORIGINAL | NETWORK | {"sink": sink, "sink_path": path}
    price = estimate(plan_of(**settings, waves=2, attempts=3), AWS)
    least, most = (
        item(one, "through a NAT gateway").amount for one in (price.least, price.most)
    )

    assert least == pytest.approx(ways * 1.7e12 / 2**30)
    assert most == 2 * 3 * least
    assert not item(estimate(plan_of(**ORIGINAL), AWS).least, "a NAT gateway")


@pytest.mark.parametrize(
    ("text", "sources", "prefixes"),
    [
        ("s3://photos/2026/cat-{number}.jpg", "photos/2026", 1),
        ("s3://photos/{number}", "photos", 1),
        ("s3://p-{number%2}/2026/c-{number%16}/{number}", "p-0/2026 p-1/2026", 16),
        ("s3://p-{number%2}/{number%15}/{number}.jpg", "p-0 p-1", 30),
        ("s3://photos/{number%16}-{number}/{number%7}.jpg", "photos", 16),
        ("s3://photos/{number%1000}/{number}.jpg", "photos", 400),
        ("https://photos.s3.us-east-1.amazonaws.com/{number%16}/{number}.jpg", "", 16),
    ],
)
def test_what_executions_read_in_s3_is_known_to_role_and_preflight(
    text, sources, prefixes
):
    demand = demand_of(plan_of(Template(text, ((0, 400),))))

    assert demand.function.sources == tuple(sources.split())
    assert demand.function.tags == {"run": "run"}
    assert demand.reads.prefixes == prefixes
    assert demand.reads.per_s > 0
