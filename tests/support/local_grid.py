"""
The model of the fleet on the local target: its constants measured, and unseen runs.

All of a run shares this machine: executions, origin, endpoint, and whatever else it
does. So an execution's processor is slower by what the others take of it. What has
nothing to do with the run is no matter of the model: the cores that it took meanwhile
are measured and taken for granted. A shared machine gets faster and slower within
minutes, so constants are measured before the unseen runs and after them.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import NamedTuple

import numpy as np
import pandas as pd
import psutil

from experiment.fleet.calibration.runs import measured
from experiment.fleet.draws import likeliest
from experiment.fleet.forecast import forecast
from experiment.fleet.model.work import cpu_s
from experiment.fleet.question import INTERNET, Question
from experiment.ledger.machine import cores, machine_name
from experiment.ledger.run_folder import utc_now
from experiment.parameters.fan_out import FanOutSettings
from experiment.run.machine_load import Load
from experiment.session import open_session

FUNCTION = "local-grid"
LASTS_S = 4.0  # a shorter run measures noise
NO_LINE = 1e15  # bytes a second: loopback is the processor's work


class Setting(NamedTuple):
    file_kb: int
    concurrency: int
    connections: int
    shards_per_execution: int
    engine: str
    latency_ms: int


# With the number of files. CPU time is no simple function of size, so that a table of
# three sizes is wrong by a quarter in between: buffers of sockets grow.
SEEN = {
    Setting(10, 2, 20, 4, "curl", 0): 30_000,
    Setting(50, 2, 20, 4, "curl", 0): 20_000,
    Setting(100, 2, 20, 4, "curl", 0): 16_000,
    Setting(500, 2, 20, 4, "curl", 0): 5_000,
    Setting(1_700, 2, 20, 4, "curl", 0): 1_600,
    Setting(10, 2, 20, 4, "aiohttp", 0): 10_000,
    Setting(50, 2, 20, 4, "aiohttp", 0): 9_000,
    Setting(100, 2, 20, 4, "aiohttp", 0): 8_000,
    Setting(500, 2, 20, 4, "aiohttp", 0): 2_500,
    Setting(1_700, 2, 20, 4, "aiohttp", 0): 1_000,
}
# One execution: while a core has little to do, nobody waits for what two of them share.
ROOMY = {
    Setting(10, 1, 20, 4, "curl", 0): 20_000,
    Setting(100, 1, 20, 4, "curl", 0): 12_000,
    Setting(1_700, 1, 20, 4, "curl", 0): 1_200,
}
UNSEEN = (
    Setting(30, 2, 20, 4, "curl", 0),
    Setting(300, 2, 20, 4, "curl", 0),
    Setting(1_000, 1, 10, 4, "curl", 0),
    Setting(30, 1, 50, 2, "curl", 0),
    Setting(10, 1, 5, 8, "curl", 0),
    Setting(10, 4, 20, 2, "curl", 0),
    Setting(100, 3, 10, 4, "curl", 0),
    Setting(10, 2, 10, 4, "curl", 20),
    Setting(10, 2, 50, 4, "curl", 100),
    Setting(100, 2, 20, 2, "curl", 200),
    Setting(300, 1, 5, 4, "curl", 50),
    Setting(10, 1, 100, 1, "curl", 200),
    Setting(30, 2, 20, 4, "aiohttp", 0),
    Setting(300, 2, 20, 4, "aiohttp", 0),
    Setting(1_000, 2, 10, 4, "aiohttp", 0),
    Setting(10, 2, 20, 2, "aiohttp", 50),
)


@dataclass
class Here:
    """
    Constants of this machine.

    Attributes:
        call_s, cold_start_s, connect_s:
            As those of the model, if nothing else ran; `connect_s` is all that comes
            once an invocation.

        execution_s, origin_s, rest_s:
            CPU seconds of a file while all cores are busy, by engine and size in kB.

        roomy: Share of these that is enough while a core has little to do.
    """

    call_s: float = 0.0
    cold_start_s: float = 0.0
    connect_s: float = 0.0
    execution_s: dict = field(default_factory=dict)
    origin_s: dict = field(default_factory=dict)
    rest_s: dict = field(default_factory=dict)
    roomy: float = 1.0

    def of_files(self, setting):
        """Return CPU seconds of a file: in the execution, the origin, all the rest."""
        share = self.roomy if setting.concurrency < cores() else 1.0
        parts = ("execution_s", "origin_s", "rest_s")
        size = setting.file_kb
        return [share * self.of_file(part, setting.engine, size) for part in parts]

    def of_file(self, part, engine, file_kb):
        """Interpolate as the model does: in the logarithms of size and time."""
        table = getattr(self, part)[engine]
        sizes = sorted(table)
        logs = np.log([table[size] for size in sizes])
        return float(np.exp(np.interp(np.log(file_kb), np.log(sizes), logs)))


class LocalGrid:
    """
    Runs on a local endpoint.

    Args:
        endpoint: A running one with an origin.

        folder: For the folders of runs.
    """

    def __init__(self, endpoint, folder):
        self._endpoint = endpoint
        self._folder = folder
        self._runs = 0

    def run(self, setting, files):
        """Return a run's tables and the cores that its parts kept busy."""
        self._runs += 1
        latency = f"?latency_ms={setting.latency_ms}" if setting.latency_ms else ""
        folder = f"{self._endpoint.origin_url}/{setting.file_kb * 1_000}"
        wanted = {
            **setting._asdict(),
            "function": FUNCTION,
            "endpoint_url": self._endpoint.endpoint_url,
            "url_template": f"{folder}/{{number}}.jpg{latency}",
            "allow_private": True,
            "files": files,
            "sink": "discard",
            "hedge": False,
            "shard_sizes": "equal",
            "fresh": True,
        }
        del wanted["latency_ms"]
        settings = FanOutSettings(**wanted)
        session = open_session(settings)
        try:
            with Load() as load:
                made = measured(settings, session, self._folder / f"{self._runs}")
            assert made.totals["counts"]["ok"] == files
            return made, load.during(made.shards)
        finally:
            session.close()

    def calibrated(self):
        """Measure the constants in the settings that are `SEEN`."""
        here, calls, colds, once = Here(), [], [], []
        for setting, files in SEEN.items():
            made, busy = self.run(setting, files)
            slower = stretch(setting, taken(busy))
            shards = made.shards
            for part, seconds in spent(made, busy).items():
                table = getattr(here, part).setdefault(setting.engine, {})
                table[setting.file_kb] = seconds / files
            cold = shards["cold"] == 1
            begun = shards["downloading_at"] - shards["invoked_at"]
            called = (shards["started_at"] - shards["invoked_at"])[~cold]
            before = shards["downloading_at"] - shards["started_at"]
            after = shards["answered_at"] - shards["downloaded_at"]
            calls += list(called / slower)
            colds += list((begun[cold] - begun[~cold].median()) / slower)
            once += list((before + after)[~cold] / slower)
        here.call_s, here.connect_s = float(np.median(calls)), float(np.median(once))
        here.cold_start_s = float(np.median(colds))
        shares = []
        for setting, files in ROOMY.items():
            seconds = sum(spent(*self.run(setting, files)).values()) / files
            shares.append(seconds / sum(here.of_files(setting)))
        here.roomy = float(np.median(shares))
        return here

    def compared(self, here):
        """Yield a row for each setting that is `UNSEEN`."""
        for setting in UNSEEN:
            busy = psutil.cpu_percent(interval=1) / 100 * cores()
            files = files_for(setting, here, min(busy, cores() / 2))
            made, busy = self.run(setting, files)
            yield setting._asdict() | {
                "files": files,
                "cores": cores(),
                "cores_of_others": taken(busy),
                "measured_s": made.totals["wall_s"],
            }


def spent(made, busy):
    """Return the CPU seconds of a run, by their names in `Here`."""
    wall_s = made.totals["wall_s"]
    execution_s = float(made.shards["cpu_s"].sum())
    origin_s = busy["origin_cores"] * wall_s
    rest_s = max(1e-6, busy["own_cores"] * wall_s - execution_s - origin_s)
    return {"execution_s": execution_s, "origin_s": origin_s, "rest_s": rest_s}


def between(one, other):
    """Return what is halfway between two numbers, tables of them, or constants."""
    if isinstance(one, Here):
        both = (
            between(getattr(one, x.name), getattr(other, x.name)) for x in fields(one)
        )
        return Here(*both)
    if isinstance(one, dict):
        return {key: between(one[key], other[key]) for key in one}
    return (one + other) / 2


def with_predictions(rows, here):
    """Return rows as a table with what the model says of each."""
    table = pd.DataFrame(rows)
    table["predicted_s"] = [
        predicted(
            Setting(*(row[name] for name in Setting._fields)),
            row["files"],
            here,
            row["cores_of_others"],
        )
        for row in table.to_dict("records")
    ]
    table["ratio"] = table["predicted_s"] / table["measured_s"]
    return table


def taken(busy):
    """Return the cores that processes took which have nothing to do with the run."""
    others = max(0.0, busy["cores_busy"] - busy["own_cores"])
    return min(others, 0.9 * cores())


def stretch(setting, others):
    """Return in how many times its time a process does its work beside all others."""
    return max(1.0, (setting.concurrency + 1) / (cores() - others))


def files_for(setting, here, others):
    """Return how many files last long enough after the start, by the prediction."""
    files = fewest = 8 * setting.concurrency * setting.shards_per_execution
    ends_s = predicted(setting, fewest, here, others) + LASTS_S
    while predicted(setting, files, here, others) < ends_s:
        files = round(files * 1.15)
    return files


def predicted(setting, files, here, others):
    """Return the model's seconds for a run here."""
    question = Question(
        files=files,
        sizes_bytes=(setting.file_kb * 1_000.0,),
        concurrency=setting.concurrency,
        connections=setting.connections,
        shards_per_execution=setting.shards_per_execution,
        architecture="x86_64",
        engine=setting.engine,
        scheme="http",
        source=INTERNET,
        latency_s=setting.latency_ms / 1e3,
        hedge=False,
    )
    alone_s, origin_s, rest_s = here.of_files(setting)
    free = cores() - others
    together_s = setting.concurrency * (alone_s + origin_s + rest_s) / free
    slower = stretch(setting, others)
    each_s = max(alone_s, setting.concurrency * origin_s, together_s)
    fixed = {
        "base_bytes_per_s": NO_LINE,
        "burst_bytes_per_s": NO_LINE,
        "credit_bytes": 0.0,
        "call_s": here.call_s * slower,
        "cold_start_s": here.cold_start_s * slower,
        "connect_s": here.connect_s * slower,
        "first_byte_s": 1e-3,
        "tail_scale": 0.0,
        "x86_64_slowdown": 1.0,
    }
    constants = likeliest() | {name: np.full((1, 1), fixed[name]) for name in fixed}
    table = f"cpu_s_{setting.engine}_http"
    fixed[table] = each_s / float(cpu_s(question, constants)[0, 0])
    return forecast(question, 60, fixed=fixed).time.median


def recorded(folder):
    """Return constants and rows of an earlier check, predicted as the model is now."""
    known = json.loads((folder / "constants.json").read_text())["constants"]
    here = Here(
        **{
            name: {
                engine: {int(size): seconds for size, seconds in table.items()}
                for engine, table in value.items()
            }
            if isinstance(value, dict)
            else value
            for name, value in known.items()
        }
    )
    return here, with_predictions(pd.read_csv(folder / "local_grid.csv"), here)


def published(folder, here, rows):
    """Write what a check found."""
    folder.mkdir(parents=True, exist_ok=True)
    table = with_predictions(rows, here)
    table.round(4).to_csv(folder / "local_grid.csv", index=False)
    said = {"machine": machine_name(), "measured": utc_now(), "constants": asdict(here)}
    (folder / "constants.json").write_text(json.dumps(said, indent=2) + "\n")
    return table
