"""What a plan uses that is paid for, before it runs; and what in S3 it reads."""

import pytest
from tests.support.plans import AWS, ORIGINAL, item, plan_of

from experiment.cost.cost import estimate
from experiment.plan.demand import demand_of
from fetcher.contract.template_source import Template

NETWORK = {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}


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
