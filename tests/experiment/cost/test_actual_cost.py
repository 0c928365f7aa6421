"""Dollars of a run afterwards, and what of it is not known."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from tests.support.plans import AWS, ORIGINAL, item, plan_of

from experiment.cost import actual_cost
from experiment.cost.actual_cost import cost_of
from experiment.cost.price_estimate import estimate
from experiment.cost.spending_limit import check
from experiment.parameters.fan_out import FanOutSettings

TOO_DEAR = ORIGINAL | {"timeout_s": 900, "memory_mb": 1_769}
HERE = SimpleNamespace(region="us-east-1", asks_iam=False)


def shards_of(*billed_s, hedges=0, ok=1_000):
    rows = {
        "billed_s": billed_s,
        "hedges": [hedges] + [0] * (len(billed_s) - 1),
        "ok": [ok if seconds > 0 else 0 for seconds in billed_s],
        "body_bytes": 0,
    }
    return pd.DataFrame(rows)


def test_the_original_experiment_comes_to_24_cents():
    """
    1,000 invocations of 29 s with 512 MB on x86_64, and their requests.
    """
    spent = cost_of(plan_of(**ORIGINAL), shards_of(*[29.0] * 1_000), AWS)

    assert item(spent.bill, "of memory").dollars == pytest.approx(0.24, rel=0.05)
    assert item(spent.bill, "requests").dollars == pytest.approx(0.0002)
    assert str(spent).startswith("cost: $")
    assert "14,500 GB-seconds of memory, x86_64" in str(spent)


def test_nothing_local_is_too_dear_and_none_of_it_is_taken_for_dollars():
    price = estimate(plan_of(**TOO_DEAR), HERE)
    check(FanOutSettings(**TOO_DEAR), price)
    spent = cost_of(plan_of(**TOO_DEAR), shards_of(1.0, 2.0), HERE)

    assert "none, it is local; projected to AWS" in str(price)
    assert str(spent).startswith("local: no dollars; on AWS it would have cost $")
    assert "projected" in str(spent)
    assert "usd" not in spent.to_dict()
    assert spent.to_dict()["projected_usd"] == spent.bill.dollars


def test_calls_that_were_not_heard_of_are_counted_as_dear_as_they_may_be():
    """
    A call that was refused cost nothing; one that was lost, or broken off because
    another was quicker, may have run to its end.
    """
    plan = plan_of(timeout_s=60)
    spent = cost_of(plan, shards_of(2.0, math.nan, 0.0, hedges=1), AWS)

    assert spent.unheard == 2
    assert item(spent.bill, "requests").amount == 1
    assert spent.at_most == pytest.approx(2 * 60 * 1_769 / 1_024 * 1.33334e-5, rel=0.01)
    assert "2 calls never returned: at most $0.00" in str(spent)
    record = {"cost": spent.to_dict()}
    assert actual_cost.spent_at_most(record) == spent.bill.dollars + spent.at_most


def test_the_dollars_of_pilots_count_for_the_limit_and_are_named():
    plan = replace(plan_of(), pilot={"files": 400, "files_per_s": 9.0, "usd": 0.5})
    spent = cost_of(plan, shards_of(1.0), AWS)
    records = [{"cost": {"usd": 1.0}, "pilot": {"usd": 0.5}}, {"cost": {"usd": 2.0}}]

    assert "pilots before it: $0.50 more" in str(spent)
    assert actual_cost.spent(records) == 3.5
    assert actual_cost.cost_of_grid(records).startswith(
        "cost: $3.50, $0.50 of it for pilots"
    )
