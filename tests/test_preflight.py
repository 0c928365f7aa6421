from dataclasses import replace

import pytest

from fetcher.options import DESCRIPTORS, MAX_CONNECTIONS
from rollout.errors import PreflightError
from rollout.limits import limit
from rollout.preflight import Need, check

FINE = Need(
    concurrency=100,
    connections=100,
    tmp_mb=2_000,
    scratch_bytes=1_700_000_000,
    request_bytes=1_000,
    report_bytes=100_000,
    timeout_s=300,
    deadline_s=290.0,
)


def test_what_works_passes(target):
    check(target, FINE)


def test_values_at_the_limits_pass(target):
    check(
        target,
        Need(
            concurrency=1_000,
            connections=MAX_CONNECTIONS,
            tmp_mb=10_240,
            scratch_bytes=10_240_000_000,
            request_bytes=6_291_456,
            report_bytes=6_291_556,
            timeout_s=900,
            deadline_s=899.0,
        ),
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"concurrency": 1_001}, "1,001 executions at once .* has 1,000 in us-east-1"),
        ({"concurrency": 0}, "there must be at least 1"),
        ({"connections": 481}, "481 connections .* Set `connections`"),
        ({"connections": 0}, "0 connections"),
        ({"tmp_mb": 511, "scratch_bytes": 0}, "`tmp_mb` is 511 MB"),
        ({"scratch_bytes": 2_000_000_001}, "Set `tmp_mb` to 2,001, or use a sink"),
        ({"scratch_bytes": 10**11}, "deal smaller shards, or use a sink"),
        ({"request_bytes": 6_291_457}, "largest event has 6,291,457 bytes"),
        ({"report_bytes": 6_291_557}, "largest report has 6,291,557 bytes"),
        ({"timeout_s": 901}, "`timeout_s` is 901 s"),
        ({"deadline_s": 300.0}, "Set `deadline_s` below `timeout_s`"),
        ({"deadline_s": 0.0}, "deadline is 0 s"),
    ],
)
def test_what_cannot_work_is_one_sentence(target, change, sentence):
    with pytest.raises(PreflightError, match=sentence) as caught:
        check(target, replace(FINE, **change))

    assert len(caught.value.problems) == 1


def test_all_problems_are_found_at_once(target):
    """
    Nobody mends one number after the other, with a deployment in between.
    """
    with pytest.raises(PreflightError) as caught:
        check(target, replace(FINE, concurrency=2_000, tmp_mb=100, timeout_s=1_000))

    assert len(caught.value.problems) == 4  # /tmp is too small for the files, too


def test_both_sides_count_the_same_descriptors():
    assert limit("descriptors").most == DESCRIPTORS
