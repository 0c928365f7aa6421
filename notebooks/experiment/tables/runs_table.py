"""The table of runs: a row for each, with its settings and its figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiment.ledger.provenance import machines_of
from experiment.run.machine_load import LOAD
from fetcher.contract.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SETTINGS = (
    *("file_kb", "concurrency", "connections", "memory_mb"),
    *("engine", "sink", "repeat"),
)
_UNKNOWN_AS_NAN = (
    *("million_s", "million_band", "cpu_us_per_file"),
    *("p50_s", "p95_s", "p99_s"),
)
_FEW = 0.1  # of the executions: with more cold ones a run is cold


def runs_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """
    Return one row per run: its settings and its figures.

    Args:
        records: The ``run.json`` of finished runs of ``20_fan_out``.

    Returns:
        Columns run, target, machine, the settings that a grid can vary, cold (whether
        executions started during the run), sized_by (the parameter that decided how
        many files there were), the figures of `totals`, ok, not_ok,
        usd_per_million (projected_usd_per_million of local runs), cores (of the machine
        that sent the requests), and the `LOAD` of a grid's run while files arrived
        steadily.
    """
    rows = []
    for record in records:
        figures = dict(record["totals"])
        counts = figures.pop("counts")
        settings = record["settings"]
        rows.append(
            {
                "run": record["run"],
                "target": record["target"],
                "machine": machines_of(record),
                **{name: settings[name] for name in _SETTINGS},
                "cold": is_cold(figures["cold_executions"], settings["concurrency"]),
                "sized_by": _sized_by(record),
                **figures,
                "ok": (ok := counts[Outcome.OK.value]),
                "not_ok": figures["files"] - ok,
                **_dollars(record, ok),
                "cores": record["machine"]["cores"],
                **dict.fromkeys(LOAD, math.nan),
                **record.get("load", {}),
            }
        )
    table = pd.DataFrame(rows)
    return table.astype(dict.fromkeys(_UNKNOWN_AS_NAN, float))


def is_cold(cold_executions: int, concurrency: int) -> bool:
    """Return whether more than a few executions started during the run."""
    return cold_executions > _FEW * concurrency


def _sized_by(record: Mapping[str, Any]) -> str:
    """Return the parameter that decided how many files there were."""
    if "pilot" in record:
        return "duration_s"
    settings = record["settings"]
    own = (name for name in ("url_list", "url_template") if settings.get(name))
    return next(own, "files")


def _dollars(record: Mapping[str, Any], ok: int) -> dict[str, float]:
    """Return the cost of a million files, if the run was priced and long enough."""
    cost = record.get("cost", {})
    scale = math.nan if record["totals"]["million_s"] is None else 1e6 / max(ok, 1)
    return {
        f"{name}_per_million": cost[name] * scale
        for name in ("usd", "projected_usd")
        if name in cost
    }
