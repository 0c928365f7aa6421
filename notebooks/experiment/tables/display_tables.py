"""Results as a report shows them: rounded, with units, in words a reader knows."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiment.tables.projection.million_time import million_of, of_one_start
from experiment.tables.projection.setting_ranking import AXES, settings_of
from experiment.tables.words import duration, microseconds, size, unbroken
from rollout.price import in_dollars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fetcher.contract.download_results import Downloads
    from fetcher.contract.shard_messages import Report
    from rollout.deploy.deployment import Deployed
    from rollout.deploy.policies import Policies
    from rollout.invoke.invoker import InvokeResult
    from rollout.target.connection import Target

_NOTHING = "none"
_AXES: dict[str, tuple[str, Callable[[Any], str]]] = {  # headings, values in words
    "file_kb": ("File size", size),
    "concurrency": ("Executions", "{:,}".format),
    "memory_mb": ("Memory", "{:,} MB".format),
    "engine": ("Engine", str),
    "sink": ("Sink", str),
}


class Shown:
    """
    A table of texts, never cut short, as HTML in a notebook and as text elsewhere.

    Args:
        table: The texts, with the headings a reader sees.

        empty: What to say instead if there are no rows.

        align: ``left`` for words, ``right`` for figures.
    """

    def __init__(
        self, table: pd.DataFrame, empty: str = "", *, align: str = "left"
    ) -> None:
        self._table = table.astype(str)
        self._empty = empty
        self._align = align

    def __repr__(self) -> str:
        if self._empty and self._table.empty:
            return self._empty
        return str(self._table.to_string(index=False, header=self._has_headings))

    def _repr_html_(self) -> str:
        """Return it as HTML."""
        if self._empty and self._table.empty:
            return f"<p>{self._empty}</p>"
        # Otherwise JupyterLab takes what is between two dollar signs for a formula.
        options = ("display.max_colwidth", None, "display.html.use_mathjax", False)
        with pd.option_context(*options):
            html: str = self._table.to_html(
                index=False, header=self._has_headings, border=0
            )
        styled = re.sub("<(t[dh])>", rf'<\1 style="text-align: {self._align}">', html)
        return unbroken(styled)

    @property
    def _has_headings(self) -> bool:
        return any(self._table.columns)


def facts(rows: Mapping[str, object]) -> Shown:
    """Return facts, a name and a value in each row."""
    return Shown(pd.DataFrame(list(rows.items()), columns=["", ""]))


def listing(heading: str, rows: Iterable[str], *, empty: str) -> Shown:
    """Return texts below a heading, or a sentence if there are none."""
    return Shown(pd.DataFrame({heading: list(rows)}, dtype=str), empty)


def changed(changes: Iterable[str]) -> Shown:
    """Return what a deployment changed."""
    return listing("Changes made", changes, empty="Nothing had to be changed.")


def removed(resources: Iterable[str]) -> Shown:
    """Return what was removed."""
    empty = "Nothing was removed: the function was kept, or there was none."
    return listing("Removed", resources, empty=empty)


def place(target: Target) -> str:
    """Say where functions are deployed."""
    if target.runs_here:
        return f"Target: the local Lambda on this machine, at {target.endpoint_url}"
    return f"Target: AWS, account {target.account}, {target.region}"


def outcomes(counts: Mapping[str, int]) -> Shown:
    """Return the number of files by outcome, without outcomes that none had."""
    rows = [(name, f"{count:,}") for name, count in counts.items() if count]
    return Shown(pd.DataFrame(rows, columns=["Outcome", "Files"]), align="right")


def first_downloads(downloads: Downloads, most: int = 5) -> Shown:
    """Return the first few downloads of a report, one in each row."""
    return Shown(
        pd.DataFrame(
            {
                "File": f"{number:,}",
                "Outcome": one.outcome.value,
                "HTTP status": one.status,
                "Bytes": f"{one.body_bytes:,}",
                "Began after": duration(one.started_s),
                "Took": duration(one.seconds),
                "Attempts": one.attempts,
            }
            for number, one in enumerate(islice(downloads, most))
        ),
        align="right",
    )


def execution(report: Report, result: InvokeResult) -> Shown:
    """Return the figures of one execution."""
    return facts(
        {
            "Execution": report.execution,
            "Started cold": "yes" if report.cold else "no",
            "Engine": report.engine,
            "First download to last": duration(
                report.downloaded_at - report.downloading_at
            ),
            "Request to response": duration(result.answered_at - result.sent_at),
            "CPU time": duration(report.cpu_s),
            "Most memory": f"{report.peak_rss_bytes / 1e6:,.0f} MB",
        }
    )


def deployed(found: Deployed, architecture: str, target: Target) -> Shown:
    """
    Return a function as deployed.

    It says so if the processor is not the architecture that the settings ask for.
    """
    processor = found.architecture
    if target.runs_here and processor != architecture:
        processor += (
            f", this machine's: the local Lambda runs code here, so {architecture} "
            "counts only on AWS"
        )
    return facts(
        {
            "Function": found.name,
            "State": found.state,
            "ARN": found.arn,
            "Runtime": found.runtime,
            "Processor": processor,
            "Memory": f"{found.memory_mb:,} MB",
            "Timeout": f"{found.timeout_s:,} s",
            "Size of its /tmp": f"{found.tmp_mb:,} MB",
            "Zip": f"{found.code_bytes / 1e6:,.1f} MB, SHA-256 {found.code_sha256}",
            "Role": found.role,
            "Log group": found.log_group,
            "Function URL": found.url or "none",
        }
    )


def permissions(policies: Policies) -> Shown:
    """Return what a role allows, a statement in each row."""
    return Shown(
        pd.DataFrame(
            {
                "Policy": name,
                "Effect": statement["Effect"],
                "Actions": ", ".join(_texts(statement["Action"])),
                "On": ", ".join(_texts(statement["Resource"])),
            }
            for name, document in policies.items()
            for statement in _texts(document["Statement"])
        )
    )


def _texts(one_or_several: Any) -> list[Any]:  # noqa: ANN401 - IAM allows both
    return one_or_several if isinstance(one_or_several, list) else [one_or_several]


def run_summary(runs: pd.DataFrame) -> Shown:
    """Return the figures of the one run in a table of runs."""
    run = runs.iloc[0]
    phases = (
        f"{duration(run['startup_s'])} starting up, {duration(run['steady_s'])} "
        f"downloading steadily, {duration(run['tail_s'])} until the last report"
    )
    latency = ", ".join(
        f"{share} % within {duration(run[name])}"
        for share, name in ((50, "p50_s"), (95, "p95_s"), (99, "p99_s"))
    )
    return facts(
        {
            "Files": f"{run['files']:,} of {size(run['file_kb'])}, {run['ok']:,} ok",
            "Time": f"{duration(run['wall_s'])}: {phases}",
            "Steady rate": f"{run['steady_files_per_s']:,.0f} files/s",
            "Rate over all": f"{run['files_per_s']:,.0f} files/s, "
            f"{run['mb_per_s']:,.0f} MB/s",
            "Time for 1M files": _million(runs),
            "Single downloads": latency,
            "CPU of executions, a file": microseconds(run["cpu_us_per_file"]),
            "Executions": f"{run['concurrency']:,} at once, "
            f"{run['cold_executions']:,} started cold",
            "Invocations": f"{run['invocations']:,}, {run['failed_invocations']:,} "
            f"failed, {run['throttles']:,} throttled, {run['hedges']:,} sent twice",
        }
    )


def requests(count: int | None, *, resumed: bool = False) -> str:
    """Say how many requests the origin counted; None: it is not ours to ask."""
    if count is None:
        return (
            "How many requests the origin counted is unknown: it is not this run's own"
        )
    since = " since the run was resumed" if resumed else ""
    return f"The origin counted {count:,} requests{since}"


def grid_summary(runs: pd.DataFrame) -> Shown:
    """Return the figures of each setting of a grid, in the order of its axes."""
    rows = []
    # On AWS processors come with memory; here no run is slower for having less.
    is_priced = runs["target"].iloc[0] != "local" or runs["memory_mb"].nunique() == 1
    for values, own in settings_of(runs):
        warm, cold = of_one_start(own), own[own["cold"]]
        rates = warm["files_per_s"]
        setting = {
            _AXES[axis][0]: _AXES[axis][1](value)
            for axis, value in zip(AXES, values, strict=True)
            if axis in AXES[:2] or runs[axis].nunique() > 1
        }
        rows.append(
            setting
            | {
                "Files a run": f"{own['files'].max():,}",
                "Cold run, files/s": _median(cold["files_per_s"]),
                "Cold start-up, s": _median(cold["startup_s"], 2),
                "Warm runs": f"{len(warm[~warm['cold']]):,}",
                "Files/s, median": _median(rates),
                "Slowest to fastest": f"{rates.min():,.0f} to {rates.max():,.0f}",
                "1M files take": _million(own),
                "CPU a file, µs": _median(warm["cpu_us_per_file"]),
                "1M files cost": _dollars(warm) if is_priced else _NOTHING,
            }
        )
    return Shown(pd.DataFrame(rows), align="right")


def _median(values: pd.Series, digits: int = 0) -> str:
    return f"{values.median():,.{digits}f}" if values.notna().any() else _NOTHING


def _million(runs: pd.DataFrame) -> str:
    million = million_of(runs)
    if not million:
        return "too short to project"
    return f"{million.time}{', measured' if million.is_measured else ''}"


def _dollars(runs: pd.DataFrame) -> str:
    """Return the cost of a million files; of local runs, what it would be on AWS."""
    for name, what in (
        ("usd", ""),
        ("projected_usd", " on AWS, with the times measured here"),
    ):
        column = f"{name}_per_million"
        if column in runs and runs[column].notna().any():
            return f"{in_dollars(runs[column].median())}{what}"
    return _NOTHING
