"""Dollars: every price with its source, and bills that add up."""

import datetime as dt

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from aws_facts import prices
from aws_facts.fleet_constants import DOCUMENTED, constants
from aws_facts.toml_files import read
from rollout.price import Billable, bill
from rollout.target.runtime_platform import ARCHITECTURES

REGIONS = "regions.toml"
COUNTS = st.integers(0, 10**13)


def usage(**given):
    plain = {
        "architecture": "arm64",
        "memory_mb": 1_769,
        "tmp_mb": 512,
        "invocations": 1_000,
        "billed_s": 29_000.0,
    }
    return Billable(**plain | given)


def dollars_for(what, **given):
    (found,) = [item for item in bill(usage(**given)).items if what in item.what]
    return found.dollars


def test_the_original_experiment_cost_24_cents():
    """1,000 executions of 512 MB, on x86_64, for 29 s; and 2 GB of /tmp."""
    priced = bill(usage(architecture="x86_64", memory_mb=512, tmp_mb=2_048))
    by_item = {item.what: item.dollars for item in priced.items}

    assert len(bill(usage()).items) == 2  # nothing else is used
    assert priced.dollars == pytest.approx(0.24, rel=0.05)
    assert by_item == {
        "GB-seconds of memory, x86_64": pytest.approx(14_500 * 0.0000166667),
        "requests": pytest.approx(0.0002),
        "GB-seconds of /tmp above 512 MB": pytest.approx(43_500 * 0.0000000309),
    }


@pytest.mark.parametrize(
    ("what", "given", "dollars"),
    [
        ("of memory", {"memory_mb": 1_024}, 29_000 * 0.0000133334),
        ("requests", {"invocations": 1_000_000}, 0.20),
        ("log lines", {"log_bytes": 2**30}, 0.50),
        ("writes to S3", {"s3_writes": 1_000_000}, 5.00),
        ("reads from S3", {"s3_reads": 1_000_000}, 0.40),
        ("for a month", {"stored_bytes": 2**40}, 1_024 * 0.023),
        ("another region", {"between_regions_bytes": 2**30}, 0.02),
        ("the internet", {"to_internet_bytes": 2**30}, 0.09),
        ("a NAT gateway", {"nat_bytes": 2**30}, 0.045),
        ("written to EFS", {"efs_bytes": 2**30}, 0.06),
        ("in EFS for a month", {"efs_bytes": 2**30}, 0.30),
    ],
)
def test_each_item_is_what_aws_asks_for_it(what, given, dollars):
    assert dollars_for(what, **given) == pytest.approx(dollars)


@given(
    st.sampled_from(ARCHITECTURES),
    st.integers(128, 10_240),
    st.integers(512, 10_240),
    *[COUNTS] * 4,
)
def test_a_bill_adds_up_and_two_halves_cost_what_the_whole_does(
    architecture, memory_mb, tmp_mb, invocations, writes, stored, sent
):
    plain = {"architecture": architecture, "memory_mb": memory_mb, "tmp_mb": tmp_mb}
    used = {
        "billed_s": 14_500.0,
        "invocations": invocations,
        "s3_writes": writes,
        "stored_bytes": stored,
        "to_internet_bytes": sent,
    }
    half = bill(usage(**plain, **used))
    priced = bill(usage(**plain, **{name: 2 * count for name, count in used.items()}))

    assert priced.dollars == pytest.approx(sum(item.dollars for item in priced.items))
    assert priced.dollars == pytest.approx(2 * half.dollars)
    assert all(item.dollars == item.amount * item.each for item in priced.items)


def sourced():
    """Return everything that AWS may change, with its name."""
    here, by_region = read("limits.toml"), read(REGIONS)
    documented = [one for one in constants().values() if one.kind == DOCUMENTED]
    return {
        **here["limits"],
        **here["prices"],
        **{f"{name} by region": entry for name, entry in by_region.items()},
        **{one.name: {"source": one.source, "seen": one.seen} for one in documented},
    }


def stale(today):
    """Return the names of what was read too long ago, or in the future."""
    oldest = today - dt.timedelta(days=366)
    return [n for n, entry in sourced().items() if not oldest <= entry["seen"] <= today]


def test_every_price_and_limit_has_a_source_that_was_read_within_a_year():
    """AWS changes them. To mend this, read the source again, and set `seen`."""
    today = dt.datetime.now(dt.UTC).date()

    assert stale(today) == []
    assert stale(today + dt.timedelta(days=367)) == list(sourced())
    for name, entry in sourced().items():
        assert entry["source"].startswith(("https://", "AWS's message")), name


def test_regions_have_prices_of_their_own_or_ones_marked_as_assumed():
    ireland = {item.what: item for item in bill(usage(region="eu-west-1")).items}
    assert not any(item.assumed for item in ireland.values())
    dear = bill(usage(region="ap-east-1", memory_mb=1_024))
    assert dear.items[0].dollars == pytest.approx(29_000 * 0.0000183)
    assert not dear.assumes

    unknown = bill(usage(region="ap-south-2"))
    assert unknown.assumes
    assert unknown.dollars == bill(usage()).dollars
    assert "memory, arm64 (assumed: us-east-1's price)" in next(unknown.lines())


def test_only_regions_that_have_lambda_are_priced():
    session = get_session()
    known = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("lambda", partition)
    }
    for name, entry in read(REGIONS).items():
        assert name in read("limits.toml")["prices"]
        assert {*entry["same"], *entry["dollars"]} <= known, name
        assert not set(entry["same"]) & set(entry["dollars"]), name
        home = prices.price(name).dollars
        assert all(
            home / 4 < dollars < 4 * home for dollars in entry["dollars"].values()
        )
