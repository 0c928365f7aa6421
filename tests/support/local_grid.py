"""
Runs on the local target: some to measure constants, others that these have not seen.

A shared machine gets faster and slower within minutes, so constants are measured before
the unseen runs and after them.
"""

from contextlib import closing

import numpy as np
import psutil
from tests.support.local_fleet import PARTS, Setting, of_files, predicted, stretch

from experiment.fleet.calibration.probes import measured
from experiment.parameters.fan_out import FanOutSettings
from experiment.run.machine_load import Load
from experiment.session import open_session
from fetcher.process.cores import cores

FUNCTION = "local-grid"
LASTS_S = 4.0  # a shorter run measures noise
# With the number of files. CPU time is no simple function of size, so that a table of
# three sizes is wrong by a quarter in between: buffers of sockets grow.
SEEN = {
    Setting(size, 2, 20, 4, engine, 0): files
    for engine, counts in {
        "curl": (30_000, 20_000, 16_000, 5_000, 1_600),
        "aiohttp": (10_000, 9_000, 8_000, 2_500, 1_000),
    }.items()
    for size, files in zip((10, 50, 100, 500, 1_700), counts, strict=True)
}
# One execution: while a core has little to do, nobody waits for what two of them share.
ROOMY = {
    Setting(size, 1, 20, 4, "curl", 0): files
    for size, files in ((10, 20_000), (100, 12_000), (1_700, 1_200))
}
ONE_BY_ONE = Setting(10, 1, 1, 1, "curl", 0)
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
        known = setting._asdict()
        del known["latency_ms"]
        settings = FanOutSettings(
            **known,
            function=FUNCTION,
            endpoint_url=self._endpoint.endpoint_url,
            url_template=f"{folder}/{{number}}.jpg{latency}",
            allow_private=True,
            files=files,
            sink="discard",
            hedge=False,
            shard_sizes="equal",
            fresh=True,
        )
        with closing(open_session(settings)) as session, Load() as load:
            made = measured(settings, session, self._folder / f"{self._runs}")
        assert made.totals["counts"]["ok"] == files
        began_at, ended_at = made.shards["invoked_at"], made.shards["answered_at"]
        return made, load.during(began_at.min(), ended_at.max())

    def calibrated(self):
        """Measure the constants in the settings that are `SEEN`."""
        here, calls, colds, once = {part: {} for part in PARTS}, [], [], []
        for setting, files in SEEN.items():
            made, busy = self.run(setting, files)
            slower = stretch(setting, taken(busy))
            shards = made.shards
            for part, seconds in spent(made, busy).items():
                table = here[part].setdefault(setting.engine, {})
                table[setting.file_kb] = seconds / files
            cold = shards["cold"] == 1
            begun = shards["downloading_at"] - shards["invoked_at"]
            called = (shards["started_at"] - shards["invoked_at"])[~cold]
            before = shards["downloading_at"] - shards["started_at"]
            after = shards["answered_at"] - shards["downloaded_at"]
            calls += list(called / slower)
            colds += list((begun[cold] - begun[~cold].median()) / slower)
            once += list((before + after)[~cold] / slower)
        here |= {
            "call_s": float(np.median(calls)),
            "cold_start_s": float(np.median(colds)),
            "connect_s": float(np.median(once)),
            "roomy": 1.0,
        }
        shares = []
        for setting, files in ROOMY.items():
            seconds = sum(spent(*self.run(setting, files)).values()) / files
            shares.append(seconds / sum(of_files(here, setting)))
        made, _ = self.run(ONE_BY_ONE, 2_000)
        return here | {
            "roomy": float(np.median(shares)),
            "first_byte_s": made.totals["p50_s"],
        }

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
    """Return the CPU seconds of a run, by `PARTS`."""
    wall_s = made.totals["wall_s"]
    execution_s = float(made.shards["cpu_s"].sum())
    origin_s = busy["origin_cores"] * wall_s
    rest_s = max(1e-6, busy["own_cores"] * wall_s - execution_s - origin_s)
    return {"execution_s": execution_s, "origin_s": origin_s, "rest_s": rest_s}


def taken(busy):
    """Return the cores that processes took which have nothing to do with the run."""
    others = max(0.0, busy["cores_busy"] - busy["own_cores"])
    return min(others, 0.9 * cores())


def files_for(setting, here, others):
    """Return how many files last long enough after the start, by the prediction."""
    files = fewest = 8 * setting.concurrency * setting.shards_per_execution
    ends_s = predicted(setting, fewest, here, others) + LASTS_S
    while predicted(setting, files, here, others) < ends_s:
        files = round(files * 1.15)
    return files
