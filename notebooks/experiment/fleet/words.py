"""The model's answers as a report shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from aws_facts.constants import constants
from experiment.fleet.dollars import bill_for
from experiment.fleet.limits import shares
from experiment.fleet.sentences import in_money, in_time, what_binds
from experiment.ledger.machine import root
from experiment.tables.shown import Shown
from experiment.tables.words import duration
from rollout.price import in_amount, in_dollars

if TYPE_CHECKING:
    from experiment.fleet.forecast import Forecast
    from experiment.fleet.question import Question

CHECKS = root() / "results/published/20261128T235500Z-fleet-model/checks.csv"
WHERE = "forecast for AWS by a model; nothing here was measured there"
_LEAST_SHOWN = 0.02


def answer(question: Question, made: Forecast, deadline_s: float) -> Shown:
    """Return time, dollars, and how likely the deadline and what binds are."""
    kept = float((made.seconds <= deadline_s).mean())
    rows = {
        "Time": in_time(made.time),
        "Dollars": in_money(made.cost),
        f"Inside {duration(deadline_s)}": f"in {kept * 100:.0f} % of the draws",
        "Binds": what_binds(question),
    }
    return Shown(pd.DataFrame(list(rows.items()), columns=["", ""]))


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
        (item.what, in_amount(item.amount), in_dollars(item.dollars)) for item in items
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
    heads = ["What binds", "Model, s", "Events, s", "Ratio"]
    return Shown(pd.DataFrame(rows, columns=heads))


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
