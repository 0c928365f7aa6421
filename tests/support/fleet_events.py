"""The fleet event by event, in SimPy: what its model is checked against."""

import math
from itertools import islice
from unittest.mock import patch

import numpy as np
import simpy

from experiment.fleet.constant_draws import likeliest
from experiment.fleet.forecast import simulate
from experiment.fleet.model.shard_time import cpu_s
from experiment.fleet.question import TODAY, Question
from experiment.parameters.fan_out import FALLING
from experiment.run.sent_shard import UsualTimes

MOST_CHUNKS = 16  # of a file: connections share line and processor chunk by chunk
LOOK_EVERY_S = 0.05


class Fleet:
    """
    One run of a question, with the most likely value of every constant.

    Args:
        question: What to download, with which fleet.

        constants: Their values: one draw.
    """

    def __init__(self, question, constants):
        self.question = question
        self.constants = {
            name: float(column[0, 0]) for name, column in constants.items()
        }
        self.cpu_s = float(cpu_s(question, constants)[0, 0])
        self.random = np.random.default_rng(1)
        self.env = simpy.Environment()
        self.origin = simpy.Resource(self.env)
        self.longer = slow_one(question.executions)
        self.free = simpy.Store(self.env)
        self.ended = {}
        self.calls = {}

    def seconds(self):
        """Run it; return when the last report is in."""
        self.env.run(self.env.process(self._send_all()))
        return max(self.ended.values())

    def _send_all(self):
        question, env = self.question, self.env
        for number in range(question.executions):
            env.process(self._start(number))
        files = list(islice(question.sizes, question.invocations))
        for shard, count in enumerate(files):
            execution = yield self.free.get()
            yield env.timeout(1 / self.constants["calls_per_s"])
            self._call(shard, count, execution)
        while len(self.ended) < len(files):
            yield env.timeout(LOOK_EVERY_S)
            left = len(files) - len(self.ended)
            if question.hedge and left <= max(1, int(len(files) * 0.05)):
                yield from self._hedge(files)

    def _start(self, number):
        """None is dealt a shard before Lambda lets it start."""
        era = "" if self.question.scaling == TODAY else "_2022"
        later = number - self.constants[f"starts_at_once{era}"]
        per_s = self.constants[f"starts_per_s{era}"]
        yield self.env.timeout(max(0.0, later / per_s))
        yield self.free.put(Execution(self, number))

    def _call(self, shard, files, execution):
        self.calls.setdefault(shard, []).append(self.env.now)
        self.env.process(self._invoke(shard, files, execution))

    def _invoke(self, shard, files, execution):
        yield from execution.run(files)
        self.ended.setdefault(shard, self.env.now)
        yield self.free.put(execution)

    def _hedge(self, files):
        usual = UsualTimes()
        for shard, ended in self.ended.items():
            usual.add(files[shard], ended - self.calls[shard][0])
        for shard, calls in self.calls.items():
            late = self.env.now - calls[0] > usual.late_after_s(files[shard])
            if shard in self.ended or len(calls) > 1 or not late or not self.free.items:
                continue
            execution = yield self.free.get()
            execution.slower = 1.0
            self._call(shard, files[shard], execution)

    def lognormal(self, name):
        sigma = self.constants[f"{name.removesuffix('_s')}_spread"]
        return self.constants[name] * np.exp(self.random.normal(0, sigma))


class Execution:
    """One execution: a line with a credit, a processor, and connections."""

    def __init__(self, fleet, number):
        self.fleet = fleet
        self.env = fleet.env
        scale, adds = fleet.constants["tail_scale"], fleet.constants["tail_adds"]
        longer = scale * float(fleet.longer[number])
        self.slower = 1 + (1 - adds) * longer
        self.loses_s = adds * longer * fleet.constants["tail_median_s"]
        self.is_new = True
        self.line = simpy.Resource(self.env)
        self.processor = simpy.Resource(self.env)
        self.credit = fleet.constants["credit_bytes"]
        self.refilled_at = 0.0

    def run(self, files):
        fleet, env = self.fleet, self.env
        yield env.timeout(fleet.lognormal("call_s"))
        if self.is_new and fleet.question.is_cold:
            yield env.timeout(fleet.lognormal("cold_start_s"))
        if self.is_new:
            yield env.timeout(self.loses_s)
        self.is_new = False
        self.refilled_at = max(self.refilled_at, env.now)
        left = [files]
        connections = min(files, fleet.question.connections)
        yield env.all_of(
            [env.process(self._connection(left)) for _ in range(connections)]
        )

    def _connection(self, left):
        fleet, env = self.fleet, self.env
        yield env.timeout(fleet.constants["connect_s"] * self.slower)
        wait_s = fleet.question.latency_s or fleet.constants["first_byte_s"]
        size = fleet.question.mean_bytes
        while left[0]:
            left[0] -= 1
            yield from self._origin()
            yield env.timeout(wait_s * fleet.random.uniform(0.7, 1.3) * self.slower)
            buffers = math.ceil(size / fleet.constants["stream_buffer_bytes"])
            chunks = min(MOST_CHUNKS, buffers)
            emptied = []
            for _ in range(chunks):
                with self.line.request() as turn:
                    yield turn
                    yield env.timeout(self._line_s(size / chunks) * self.slower)
                works = held(env, self.processor, fleet.cpu_s / chunks * self.slower)
                emptied.append(env.process(works))
            yield env.all_of(emptied)

    def _origin(self):
        rate = self.fleet.question.most_files_per_s
        if np.isfinite(rate):
            yield from held(self.env, self.fleet.origin, 1 / rate)

    def _line_s(self, size):
        """Take bytes from the token bucket; return how long that takes."""
        constants = self.fleet.constants
        base, burst = constants["base_bytes_per_s"], constants["burst_bytes_per_s"]
        gained = (self.env.now - self.refilled_at) * base
        self.refilled_at = self.env.now
        self.credit = min(constants["credit_bytes"], self.credit + gained)
        fast = min(size, self.credit)
        self.credit -= fast
        slow_s = (size - fast) / base
        self.refilled_at += slow_s  # what is sent at the base uses up what is gained
        return fast / burst + slow_s


def slow_one(executions):
    """How much longer each execution takes: one of them, by its whole time."""
    return np.eye(1, executions, executions // 2)[0]


def held(env, resource, seconds):
    """Use a resource for so long, once it is free."""
    with resource.request() as turn:
        yield turn
        yield env.timeout(seconds)


def of(files, concurrency, connections, fixed=(), **asked):
    """Return a question, and what it fixes of the constants."""
    plain = {"source": "internet", "hedge": False, "sizes_bytes": (10_000.0,)}
    wide = {"concurrency": concurrency, "connections": connections}
    return Question(files=files, **wide, **plain | asked), dict(fixed)


def falling(connections, fixed=(), **asked):
    """Return the same for shards that fall in size."""
    shards = {"shard_sizes": FALLING, "shards_per_execution": 2}
    return of(2_000, 10, connections, fixed, latency_s=0.2, **shards, **asked)


LARGE = (1.7e6,)  # bytes
# One execution takes four times as long, or loses as much.
SLOW = {"tail_scale": 3.0, "tail_adds": 0.0}
LOSES = {"tail_scale": 3.0, "tail_adds": 1.0}
LATE = {"starts_at_once": 40.0, "starts_per_s": 0.1}
REGIMES = {
    "bandwidth": of(1_000, 2, 20, sizes_bytes=LARGE),
    "burst": of(200, 2, 50, sizes_bytes=LARGE),
    "processor": of(1_200, 1, 20, memory_mb=256),
    "latency": of(800, 2, 10, latency_s=0.2),
    "rounds": of(300, 2, 100, latency_s=1.0),
    "two limits": of(800, 1, 5, latency_s=0.02, sizes_bytes=(300_000.0,)),
    "one connection": of(20, 1, 1, memory_mb=512, sizes_bytes=(50e6,)),
    "origin": of(1_500, 4, 20, origin_files_per_s=300),
    "scaling": of(300, 300, 1, {"starts_at_once": 100.0}),
    "calls": of(400, 200, 1, {"calls_per_s": 100.0}, shards_per_execution=2),
    "pulled shards": of(1_500, 5, 10, latency_s=0.1, shards_per_execution=6),
    "one slow execution": of(600, 20, 3, SLOW, latency_s=0.2),
    "one that loses seconds": of(600, 20, 3, LOSES, latency_s=0.2),
    "one slow, pulled": of(900, 10, 3, SLOW, latency_s=0.2, shards_per_execution=6),
    "falling shards": falling(4),
    "falling, late starts": falling(4, {"starts_at_once": 4.0, "starts_per_s": 0.5}),
    "falling, one slow": falling(2, SLOW),
    "falling, one loses seconds": falling(2, LOSES),
    "falling, one slow, hedged": falling(2, SLOW, hedge=True),
    "one slow, hedged": of(600, 20, 3, SLOW, latency_s=0.2, hedge=True),
    "scaling, one slow, hedged": of(600, 60, 1, SLOW | LATE, latency_s=0.4, hedge=True),
}


def with_fixed(draws, **fixed):
    """Return the most likely constants but for some, by default without a tail."""
    fixed = {"tail_scale": 0.0} | fixed
    return likeliest(draws) | {name: np.full((draws, 1), fixed[name]) for name in fixed}


def compared(name):
    """Return the median seconds of the model, and those of the events, in a regime."""
    question, fixed = REGIMES[name]
    constants = with_fixed(50, **fixed)
    with patch("experiment.fleet.forecast.excess", _slow_one_in_each_draw):
        model = simulate(question, constants, np.random.default_rng(1)).seconds
    first = {one: column[:1] for one, column in constants.items()}
    return float(np.median(model)), Fleet(question, first).seconds()


def _slow_one_in_each_draw(shape, constants, _random):
    longer = slow_one(shape[1]) * constants["tail_scale"]
    return longer.astype(np.float32)
