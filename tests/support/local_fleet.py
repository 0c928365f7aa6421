"""
The model of the fleet for runs on the local target, from constants of this machine.

All of a run shares it: executions, origin, endpoint, and whatever else it does. So an
execution's processor is slower by what the others take of it. What has nothing to do
with the run is no matter of the model: the cores that it took meanwhile are measured
and taken for granted.

The constants, here: `call_s`, `cold_start_s` and `connect_s` are as those of the model,
if nothing else ran, with `connect_s` all that comes once an invocation. `first_byte_s`
is what one connection takes for a file; earlier checks assumed 1 ms. PARTS have the
CPU seconds of a file while all cores are busy, by engine and size in kB. `roomy` is the
share of these that is enough while a core has little to do.
"""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiment.fleet.constant_draws import likeliest
from experiment.fleet.forecast import forecast
from experiment.fleet.model.shard_time import cpu_s
from experiment.fleet.question import INTERNET, Question
from experiment.ledger.provenance import machine_name
from experiment.ledger.run_folder import utc_now
from fetcher.process.cores import cores

PARTS = ("execution_s", "origin_s", "rest_s")
NO_LINE = 1e15  # bytes a second: loopback is the processor's work


class Setting(NamedTuple):
    file_kb: int
    concurrency: int
    connections: int
    shards_per_execution: int
    engine: str
    latency_ms: int


def of_files(here, setting):
    """Return CPU seconds of a file: in the execution, the origin, all the rest."""
    share = here["roomy"] if setting.concurrency < cores() else 1.0
    return [share * of_file(here[part][setting.engine], setting) for part in PARTS]


def of_file(table, setting):
    """Interpolate as the model does: in the logarithms of size and time."""
    sizes = sorted(table)
    logs = np.log([table[size] for size in sizes])
    return float(np.exp(np.interp(np.log(setting.file_kb), np.log(sizes), logs)))


def between(one, other):
    """Return what is halfway between two numbers, or tables of them."""
    if isinstance(one, dict):
        return {key: between(one[key], other[key]) for key in one}
    return (one + other) / 2


def stretch(setting, others):
    """Return in how many times its time a process does its work beside all others."""
    return max(1.0, (setting.concurrency + 1) / (cores() - others))


def predicted(setting, files, here, others):
    """Return the model's seconds for a run here."""
    known = setting._asdict()
    question = Question(
        files=files,
        sizes_bytes=(known.pop("file_kb") * 1_000.0,),
        latency_s=known.pop("latency_ms") / 1e3,
        architecture="x86_64",
        scheme="http",
        source=INTERNET,
        hedge=False,
        **known,
    )
    alone_s, origin_s, rest_s = of_files(here, setting)
    free = cores() - others
    together_s = setting.concurrency * (alone_s + origin_s + rest_s) / free
    slower = stretch(setting, others)
    each_s = max(alone_s, setting.concurrency * origin_s, together_s)
    fixed = {
        "base_bytes_per_s": NO_LINE,
        "burst_bytes_per_s": NO_LINE,
        "credit_bytes": 0.0,
        "call_s": here["call_s"] * slower,
        "cold_start_s": here["cold_start_s"] * slower,
        "connect_s": here["connect_s"] * slower,
        "first_byte_s": here.get("first_byte_s", 1e-3),
        "tail_scale": 0.0,
        "x86_64_slowdown": 1.0,
    }
    constants = likeliest() | {name: np.full((1, 1), fixed[name]) for name in fixed}
    table = f"cpu_s_{setting.engine}_http"
    fixed[table] = each_s / float(cpu_s(question, constants)[0, 0])
    return forecast(question, 60, fixed=fixed).time.median


def with_predictions(rows, here):
    """Return rows as a table with what the model says of each."""
    table = pd.DataFrame(rows)
    settings = table[list(Setting._fields)].itertuples(index=False)
    table["predicted_s"] = [
        predicted(Setting(*setting), files, here, others)
        for setting, files, others in zip(
            settings, table["files"], table["cores_of_others"], strict=True
        )
    ]
    table["ratio"] = table["predicted_s"] / table["measured_s"]
    return table


def recorded(folder):
    """Return the rows of an earlier check, predicted as the model is now."""
    known = json.loads((folder / "constants.json").read_text(), object_hook=by_size)
    rows = pd.read_csv(folder / "local_grid.csv")
    return with_predictions(rows, known["constants"])


def by_size(table):
    """Return a table of a JSON file with its sizes as numbers."""
    return {int(key) if key.isdigit() else key: one for key, one in table.items()}


def published(folder, here, rows):
    """Write what a check found."""
    folder.mkdir(parents=True, exist_ok=True)
    table = with_predictions(rows, here)
    table.round(4).to_csv(folder / "local_grid.csv", index=False)
    said = {"machine": machine_name(), "measured": utc_now(), "constants": here}
    (folder / "constants.json").write_text(json.dumps(said, indent=2) + "\n")
    return table
