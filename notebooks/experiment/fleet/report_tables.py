"""The model's answers as a report shows them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pandas as pd

from aws_facts.fleet_constants import constants
from aws_facts.prices import mark
from experiment.fleet.bottlenecks import shares
from experiment.fleet.dollars import bill_for
from experiment.fleet.forecast import Band
from experiment.fleet.sentences import (
    answers,
    asked_in_words,
    calibration_in_words,
    in_time,
)
from experiment.ledger.invocation import LedgerError
from experiment.ledger.run_folder import read_run
from experiment.parameters.project_root import root
from experiment.tables.display_tables import Shown
from experiment.tables.words import duration, size
from rollout.price import in_amount, in_dollars

if TYPE_CHECKING:
    from pathlib import Path

    from experiment.fleet.forecast import Forecast
    from experiment.fleet.question import Question
    from experiment.plan.size_sample import Sample

_PUBLISHED = root() / "results" / "published"
CHECKS = _PUBLISHED / "20261128T235500Z-fleet-model" / "checks.csv"
LOCAL_GRID = _PUBLISHED / "20261129T071513Z-local-grid" / "local_grid.csv"
WHERE = "forecast for AWS by a model, not measured"
_LEAST_SHOWN = 0.02
_CLOSE = 0.25


def of_files(question: Question, sample: Sample | None) -> str:
    """Say what is asked about, and what of a list and of AWS is known."""
    lines = [asked_in_words(question), *([str(sample)] if sample else [])]
    return "\n".join((*lines, *calibration_in_words(question)))


def answer(question: Question, made: Forecast, deadline_s: float) -> Shown:
    """Return time, dollars, and how likely the deadline and what binds are."""
    told = answers(question, made, deadline_s).items()
    rows = [(name.capitalize(), text) for name, text in told]
    return Shown(pd.DataFrame(rows, columns=["", ""]))


def limits_table(question: Question) -> Shown:
    """Return what each limit costs, if it is worth naming."""
    rows = [
        (name, f"{share * 100:.0f} %")
        for name, share in shares(question).items()
        if share >= _LEAST_SHOWN
    ]
    return Shown(pd.DataFrame(rows, columns=["Limit", "Saved, relaxed tenfold"]))


def bill_table(question: Question, billed_s: float) -> Shown:
    """Return where the dollars go, item by item."""
    items = bill_for(question, billed_s).items
    rows = [
        (
            item.what + mark(assumed=item.assumed),
            in_amount(item.amount),
            in_dollars(item.dollars),
        )
        for item in items
    ]
    return Shown(pd.DataFrame(rows, columns=["Item", "Amount", "Dollars"]))


def constants_table() -> Shown:
    """Return every constant: its value, its range, how it is known, and its source."""
    rows = [
        (
            one.name,
            "a table" if one.values else f"{one.value:,g}",
            f"{one.low:,g} to {one.high:,g}" if one.low < one.high else "exact",
            one.kind,
            one.source,
            f"{one.seen:%d %b %Y}",
        )
        for one in sorted(constants().values(), key=lambda one: one.kind)
    ]
    heads = ["Constant", "Value", "Range", "Kind", "Source", "Seen"]
    return Shown(pd.DataFrame(rows, columns=heads))


def checks_table() -> Shown:
    """Return the published check against the fleet event by event."""
    found = pd.read_csv(CHECKS)
    rows = [
        (row.regime, f"{row.model_s:.2f}", f"{row.events_s:.2f}", f"{row.ratio:.2f}")
        for row in found.itertuples()
    ]
    heads = ["Bottleneck", "Model, s", "Events, s", "Ratio"]
    return Shown(pd.DataFrame(rows, columns=heads))


def local_grid_table() -> Shown:
    """Return the published check against runs on this project's own machine."""
    rows = [
        (
            f"{size(row.file_kb)}, {row.engine}",
            f"{row.concurrency:,} × {row.connections:,}",
            row.shards_per_execution,
            f"{row.latency_ms:,} ms" if row.latency_ms else "none",
            f"{row.predicted_s:.2f}",
            f"{row.measured_s:.2f}",
            f"{row.ratio:.2f}",
        )
        for row in pd.read_csv(LOCAL_GRID).itertuples()
    ]
    heads = [
        *("Files", "Executions × connections", "Shards each", "Latency"),
        *("Predicted, s", "Measured, s", "Ratio"),
    ]
    return Shown(pd.DataFrame(rows, columns=heads))


def local_grid_errors() -> str:
    """Say how far off these predictions were, and what ran beside them."""
    found = pd.read_csv(LOCAL_GRID)
    return (
        f"{len(found)} held-out settings, none of which was used to fit a constant: "
        f"{local_grid_in_short()}. "
        f"On average other work took {found['cores_of_others'].mean():.1f} of the "
        f"{found['cores'].mean():.0f} cores meanwhile; that share is taken as known."
    )


def local_grid_in_short() -> str:
    """Return the errors in figures."""
    error = (pd.read_csv(LOCAL_GRID)["ratio"] - 1).abs()
    return (
        f"median error {error.median() * 100:.0f} %, {(error <= _CLOSE).sum()} of "
        f"{len(error)} within {_CLOSE * 100:.0f} %, the largest "
        f"{error.max() * 100:.0f} %"
    )


def own_runs_table(results: Path | None = None) -> Shown:
    """Return the runs on AWS, by default this checkout's, beside their forecasts."""
    results, rows = results or root() / "results", []
    for path in sorted([*results.glob("*/run.json"), *results.glob("*/*/run.json")]):
        with suppress(LedgerError):  # torn, or of another version
            record = read_run(path.parent)
            made = record.get("forecast", {})
            if "median_s" in made:
                band = Band(made["low_s"], made["median_s"], made["high_s"])
                wall_s, times = record["totals"]["wall_s"], made["measured_to_median"]
                name = str(path.parent.relative_to(results))
                rows.append((name, f"{wall_s:,.2f}", in_time(band), f"{1 / times:.2f}"))
    heads = ["Run", "Measured, s", "Forecast", "Ratio"]
    empty = "There is none: this checkout has measured nothing on AWS."
    return Shown(pd.DataFrame(rows, columns=heads), empty)


def records_table(compared: pd.DataFrame) -> Shown:
    """Return the recorded runs of others beside what is predicted for them."""
    rows = [
        (
            row.run,
            row.until,
            f"{row.reported_s:,.2f}",
            f"{row.predicted_s:,.2f} ({row.low_s:,.2f} to {row.high_s:,.2f})",
            f"{row.ratio:.2f}",
            row.set_by_it,
        )
        for row in compared.itertuples()
    ]
    heads = ["Run", "Until", "Reported, s", "Predicted, s", "Ratio", "It set"]
    return Shown(pd.DataFrame(rows, columns=heads))


def assumptions_table(assumed: pd.DataFrame) -> Shown:
    """Return under which assumptions 29 s are possible."""
    rows = [
        (
            row.executions,
            row.client,
            row.tail,
            f"{row.median_s:.0f} ({row.low_s:.0f} to {row.high_s:.0f})",
            "yes" if row.possible else "no",
        )
        for row in assumed.itertuples()
    ]
    heads = ["Executions start", "Client", "Tail", "Seconds", "29 s possible"]
    return Shown(pd.DataFrame(rows, columns=heads))


def fleets_table(needed: pd.DataFrame) -> Shown:
    """Return how many accounts or regions it takes."""
    rows = [
        (
            f"{row.files:,}",
            duration(row.deadline_s),
            f"{row.fleets:,}" if row.fleets > 0 else "none is fast enough",
            f"{row.executions:,}" if row.fleets > 0 else "",
            in_dollars(row.dollars) if row.fleets > 0 else "",
        )
        for row in needed.itertuples()
    ]
    heads = ["Files", "Within", "Accounts × regions", "Executions", "Dollars"]
    return Shown(pd.DataFrame(rows, columns=heads))
