"""What a report says of a run beside its notebook: figures, settings, how to repeat."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from experiment.fleet.forecast_questions import NOT_MODELLED
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.grid import GridSettings
from experiment.tables.projection import million_time, setting_ranking
from experiment.tables.words import duration, size
from rollout.price import in_dollars

if TYPE_CHECKING:
    import pandas as pd

_NOT_MEASURED = {
    "endpoint_url",  # it ended with the session
    "run_folder",
    "resume",
    "retry_failed",
    "show",
    "settings_file",
    "tear_down",
}
_GRID = "30_grid"


class SettingShown(NamedTuple):
    """A parameter of a run, and its value there and by default, as Python has them."""

    name: str
    value: Any
    default: Any

    @property
    def is_changed(self) -> bool:
        """Whether the run differs from the notebook's default."""
        return bool(self.value != self.default)


def is_measured(name: str, value: object) -> bool:
    """
    Return whether a setting is part of what was measured.

    Where the run took place, how it was begun and how it ended are not.

    >>> [is_measured("origin_url", url) for url in ("http://[::1]:80", "http://a.b")]
    [False, True]
    """
    if name == "origin_url" and value:  # on this machine it ended with the session
        host = urlsplit(str(value)).hostname or ""
        return not host.startswith(("127.", "localhost", "::1"))
    return name not in _NOT_MEASURED


def key_figures(record: dict[str, Any], runs: pd.DataFrame) -> dict[str, str]:
    """Return what a reader looks for first, of a finished run or grid, by its name."""
    totals, settings = record["totals"], record["settings"]
    ok, files = totals["counts"]["ok"], totals["files"]
    rows = {"files ok": f"{ok:,} of {files:,}"}
    if "runs" in totals:
        return rows | {"runs": f"{totals['runs']:,}", **_best_of(runs)}
    return rows | {
        "first request to last report": duration(totals["wall_s"]),
        "files per second": f"{totals['files_per_s']:,.0f}",
        "MB per second": f"{totals['mb_per_s']:,.0f}",
        "half of the files within": duration(totals["p50_s"]),
        "99 % of the files within": duration(totals["p99_s"]),
        "CPU of the executions per file": f"{totals['cpu_us_per_file']:,.0f} µs",
        "executions at once": f"{settings['concurrency']:,}",
        "connections in each": f"{settings['connections'] or 'adaptive'}",
        "file size": size(totals["file_kb"]),
    }


def _best_of(runs: pd.DataFrame) -> dict[str, str]:
    """Return the figures of the setting that the verdict names, for each file size."""
    rows = {}
    for file_kb, alike in runs.groupby("file_kb"):
        if ranked := setting_ranking.ranking(alike):
            (values, _), *_ = ranked
            best = million_time.of_one_start(
                dict(setting_ranking.settings_of(alike))[values]
            )
            rates = best[["files_per_s", "mb_per_s"]].median()
            setting = (
                f"{size(file_kb)} at {setting_ranking.named(alike, values)}, median"
            )
            files_per_s = f"{rates['files_per_s']:,.0f} files/s"
            rows[setting] = f"{files_per_s}, {rates['mb_per_s']:,.0f} MB/s"
    return rows


def cost_of(record: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Return what the run cost, or would have cost on AWS, in all and by item."""
    cost = record.get("cost")
    if not cost:
        return "", []
    is_local = "projected_usd" in cost
    key = "projected_usd" if is_local else "usd"
    total = in_dollars(cost[key])
    said = (
        f"Nothing (local run). On AWS: an estimated {total}"
        if is_local
        else f"{total}, by the time that Lambda billed"
    )
    if pilots := record.get("pilot", {}).get("usd"):
        said += f"; its pilots cost {in_dollars(pilots)} more"
    items = [(item["what"], in_dollars(item[key])) for item in cost["items"]]
    return said, items


def forecast_of(record: dict[str, Any]) -> str:
    """Return what the model had forecast, beside what was measured; empty: unknown."""
    found = record.get("forecast")
    if not found:
        return ""
    if NOT_MODELLED in found:
        return f"Not modelled: {found[NOT_MODELLED]}. The model is of Lambda on AWS"
    band = (found[f"{name}_s"] for name in ("low", "median", "high"))
    low, median, high = map(duration, band)
    wall_s, times = record["totals"]["wall_s"], found["measured_to_median"]
    inside = "inside" if found["low_s"] <= wall_s <= found["high_s"] else "outside"
    return (
        f"It took {duration(wall_s)}; the model's forecast was {median} ({low} to "
        f"{high}). Measured over forecast: {times:.2f}, {inside} the band"
    )


def machine_of(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Return where and with what the run was measured: names and values."""
    code = record.get("commit") or "unknown"
    if record.get("dirty"):
        code += ", with changes that were not committed"
    rows = [
        ("target", _target(record)),
        *_machine(record),
        ("origin", record.get("origin", "")),
        ("commit", code),
        ("started", record["started"]),
        ("ended", record.get("ended", "it was interrupted")),
    ]
    for one in record.get("continued", ()):
        rows += [("resumed", one["started"]), *_machine(one)]
    return [(name, value) for name, value in rows if value]


def _machine(session: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the machine of a session; none: it was that of the first."""
    machine = session.get("machine")
    if not machine:
        return []
    packages = ", ".join(" ".join(one) for one in machine["packages"].items())
    return [
        ("machine", machine["name"]),
        ("system", f"{machine['system']}, Python {machine['python']}"),
        ("packages", packages),
    ]


def _target(record: dict[str, Any]) -> str:
    if record["target"] == "local":
        return "local: this machine, not AWS"
    return f"{record['target']}, {record['region']}"


def settings_of(record: dict[str, Any]) -> list[SettingShown]:
    """Return the run's settings, those that differ from the defaults first."""
    kind = GridSettings if record["notebook"] == _GRID else FanOutSettings
    defaults = kind().to_dict()
    found = [
        SettingShown(name, value, defaults.get(name, value))
        for name, value in record["settings"].items()
        if is_measured(name, value)
    ]
    return sorted(found, key=lambda setting: not setting.is_changed)


def command_of(record: dict[str, Any]) -> str:
    """Return the commands that repeat the run."""
    words = ["python", "-m", "experiment", record["notebook"]]
    for setting in settings_of(record):
        if setting.is_changed:
            value = setting.value
            text = value if isinstance(value, str) else json.dumps(value)
            words += ["-p", setting.name, text]
    lines = [shlex.join(words)]
    if record.get("commit"):
        lines.insert(0, f"git checkout {record['commit'][:12]}")
    return "\n".join(lines)
