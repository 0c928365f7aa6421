"""What binds: the share of the time that goes when a limit is relaxed tenfold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from aws_facts.fleet_constants import constants
from experiment.fleet.constant_draws import likeliest
from experiment.fleet.forecast import simulate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiment.fleet.constant_draws import Draws
    from experiment.fleet.question import Question

TENFOLD = 10.0
DRAWS = 64
_SEED = 16
_LEAST_SHARE = 0.1
SEVERAL = "several at once"

BANDWIDTH, PROCESSOR, LATENCY, ORIGIN, CALLS, SCALING, START, TAIL = LIMITS = (
    "bandwidth",
    "processor",
    "latency",
    "origin or S3",
    "calls",
    "scaling",
    "start",
    "tail",
)
_FACTORS = {
    BANDWIDTH: dict.fromkeys(
        ("base_bytes_per_s", "burst_bytes_per_s", "credit_bytes", "used_credit_bytes"),
        TENFOLD,
    ),
    PROCESSOR: {name: 1 / TENFOLD for name in constants() if name.startswith("cpu_s_")},
    LATENCY: {"first_byte_s": 1 / TENFOLD, "connect_s": 1 / TENFOLD},
    CALLS: {"calls_per_s": TENFOLD},
    SCALING: dict.fromkeys(
        ("starts_at_once", "starts_at_once_2022", "starts_per_s", "starts_per_s_2022"),
        TENFOLD,
    ),
    START: {"call_s": 1 / TENFOLD, "cold_start_s": 1 / TENFOLD},
    TAIL: {"tail_scale": 1 / TENFOLD},
}


def relaxed(name: str, question: Question, drawn: Draws) -> tuple[Question, Draws]:
    """Return question and drawn constants with one of `LIMITS` relaxed tenfold."""
    factors = _FACTORS.get(name, {})
    drawn = {key: column * factors.get(key, 1.0) for key, column in drawn.items()}
    if name == LATENCY:
        question = replace(question, latency_s=question.latency_s / TENFOLD)
    if name == ORIGIN:
        question = replace(
            question,
            origin_files_per_s=question.origin_files_per_s * TENFOLD,
            read_prefixes=round(question.read_prefixes * TENFOLD),
        )
    return question, drawn


def shares(question: Question, draws: int = DRAWS) -> dict[str, float]:
    """
    Return the share of the time that each limit costs.

    Times are medians over `draws` draws. All constants have their most likely
    value, and chance is the same in all variants.

    Returns:
        By name of the limit, the largest first. They need not add up to one: two
        limits may bind together, and then relaxing either gains little.
    """
    drawn = likeliest(draws)
    now = _median_s(question, drawn)
    gained = {
        name: 1 - _median_s(*relaxed(name, question, drawn)) / now for name in LIMITS
    }
    return dict(sorted(gained.items(), key=lambda item: -item[1]))


def binding(found: Mapping[str, float]) -> tuple[str, float]:
    """
    Return the limit that binds most, of `shares`, and the share that it costs.

    Where none costs a tenth, several bind together: relaxing one leaves the next.
    """
    name, share = next(iter(found.items()))
    return (name, share) if share >= _LEAST_SHARE else (SEVERAL, share)


def _median_s(question: Question, drawn: Draws) -> float:
    random = np.random.default_rng(_SEED)
    return float(np.median(simulate(question, drawn, random).seconds))
