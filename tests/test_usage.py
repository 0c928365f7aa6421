"""What a plan uses that is paid for, before it runs."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.invocations import urls

from experiment.cost import estimate
from experiment.fan_out_settings import FanOutSettings
from experiment.plan import Plan

AWS = SimpleNamespace(region="us-east-1", asks_iam=True)
NETWORK = {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}


def test_what_is_tried_again_passes_the_gateway_again():
    """
    It is dearer than the rest of a run, so the most must be the most.
    """
    settings = FanOutSettings(
        files=1_000, file_kb=1_000, waves=2, attempts=3, **NETWORK
    )
    plan = Plan(Path("run"), settings, urls((0, 1_000)), allow_private=True)
    price = estimate(plan, AWS)
    least, most = (
        next(item.amount for item in bill.items if "NAT gateway" in item.what)
        for bill in (price.least, price.most)
    )

    assert least == pytest.approx(1e9 / 2**30)
    assert most == 2 * 3 * least
