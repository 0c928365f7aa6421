"""How long an execution takes over its files: network, processor, latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from aws_facts.fleet_constants import constant
from aws_facts.limits import LINE_GROWS_FROM_MB, MBIT_BYTES, limit, line_bytes_per_s

if TYPE_CHECKING:
    from experiment.fleet.constant_draws import Draws
    from experiment.fleet.question import Question

_LAST = 0.3  # waits to the first byte differ from their mean by up to this share
_FEWEST_URLS = 100  # in a process of an execution
_ROUNDS = 24  # of the iteration below, which gains a digit in four


class Bucket(NamedTuple):
    """
    Bandwidth as a token bucket; each an array over draws.

    Attributes:
        burst: Bytes per second while the credit lasts.

        credit: Bytes above the base.

        base: Bytes per second afterwards.
    """

    burst: np.ndarray
    credit: np.ndarray
    base: np.ndarray

    def seconds(self, total: float, burst: np.ndarray, base: np.ndarray) -> np.ndarray:
        """Return the time for so many bytes, at the rates with credit and without."""
        drain = np.maximum(burst - self.base, 1e-9)
        lasts_s = self.credit / drain
        within_s = total / burst
        beyond_s = lasts_s + (total - burst * lasts_s) / base
        return np.where(within_s <= lasts_s, within_s, beyond_s)


def bucket_of(question: Question, constants: Draws) -> Bucket:
    """Return the bandwidth of an execution; a raised quota raises the base alone."""
    burst, credit, base = (
        _at(name, question.memory_mb, constants)
        for name in (
            "burst_bytes_per_s",
            "used_credit_bytes" if question.is_used else "credit_bytes",
            "base_bytes_per_s",
        )
    )
    if question.bandwidth_raised and not question.in_vpc:
        least = _at("base_bytes_per_s", LINE_GROWS_FROM_MB, constants)
        unraised = limit("network_mbit_s").least * MBIT_BYTES
        raised = least * line_bytes_per_s(question.memory_mb) / unraised
        base = np.maximum(base, raised)  # it was raised where this was measured
    return Bucket(np.maximum(burst, base), credit, base)


def _at(name: str, memory_mb: float, constants: Draws) -> np.ndarray:
    """Return a constant at a memory size, interpolated if it was measured at some."""
    one = constant(name)
    if not one.memories_mb:
        return constants[name]
    return constants[name] * np.interp(memory_mb, one.memories_mb, one.of_memories)


def cpu_s(question: Question, constants: Draws) -> np.ndarray:
    """Return the seconds that the processor of an execution takes over a file."""
    used = cpu_here_s(question) * constants[_table(question)]
    if question.is_to_s3:
        sent = cpu_here_s(question, "https") * constants["upload_cpu_share"]
        used = used + sent
    vcpus = question.memory_mb / constants["vcpu_memory_mb"]
    share = np.minimum(vcpus, _processes(question, vcpus))
    slowdown = constants[f"{question.architecture}_slowdown"]
    seconds: np.ndarray = used * slowdown / share
    return seconds


def _processes(question: Question, vcpus: np.ndarray) -> np.ndarray:
    """Return how many processes share a shard, as `fetcher.handler` starts them."""
    enough = question.files / question.invocations // _FEWEST_URLS
    most = 1.0 if question.is_to_s3 else max(1.0, enough)
    return np.clip(np.round(vcpus), 1.0, most)


def shard_s(
    question: Question, constants: Draws, files: float, shards_each: float
) -> np.ndarray:
    """
    Return the time of a shard, from the handler's start to its report.

    Connections wait for the first byte, then share the line and the processor: a
    closed queueing network with one delay and two stations that share their time. Its
    throughput is found by Schweitzer's approximation of mean value analysis, once with
    the credit of the line and once without.

    Args:
        question: What is downloaded with what.

        constants: One value per draw.

        files: Files in a shard, on average.

        shards_each: Shards of an execution, which share its credit.

    Returns:
        Shape (draws, 1).
    """
    bucket, processor_s = bucket_of(question, constants), cpu_s(question, constants)
    each = question.mean_bytes
    wait_s = question.latency_s or constants["first_byte_s"]
    wait_s = np.broadcast_to(wait_s, processor_s.shape)
    active = min(float(question.most_connections), files)
    apart = np.minimum(1.0, constants["stream_buffer_bytes"] / each)
    rates = [
        throughput(active, wait_s, each / line, processor_s, apart)
        for line in (bucket.burst, bucket.base)
    ]
    total = files * shards_each * each
    work_s = bucket.seconds(total, rates[0] * each, rates[1] * each) / shards_each
    busy = 1 - np.minimum(1.0, files / work_s * wait_s / active)  # Little's law
    rounds = files / active
    waits = active * (question.executions if shards_each <= 1 else 1)
    last = _LAST * (waits - 1) / (waits + 1)
    filling_s = wait_s * (busy + (np.ceil(rounds) - rounds + last) * (1 - busy))
    shard: np.ndarray = constants["connect_s"] + filling_s + work_s
    return shard


def throughput(
    active: float,
    wait_s: np.ndarray,
    line_s: np.ndarray,
    processor_s: np.ndarray,
    apart: np.ndarray | float = 1.0,
) -> np.ndarray:
    """
    Return files per second of some connections that share a line and a processor.

    Args:
        active: Connections.

        wait_s: Time to the first byte, in which a connection uses neither.

        line_s: Time of a file on the line, if alone there.

        processor_s: Likewise on the processor.

        apart:
            Share of a file that the processor cannot work on before the line has
            brought it: what fits into the connection's buffer.

    >>> one = np.ones(1)
    >>> throughput(50, one, one * 1e-9, one * 1e-9).round(2)  # waits alone
    array([50.])
    >>> throughput(500, one * 1e-9, one * 0.1, one * 0.01).round(2)  # the line alone
    array([10.])
    """
    others = (active - 1) / active
    at_line, at_processor = np.full((2, *np.shape(wait_s)), active / 3)
    rate = np.zeros(np.shape(wait_s))
    for _ in range(_ROUNDS):
        on_line_s = line_s * (1 + others * at_line)
        on_processor_s = processor_s * (1 + others * at_processor)
        both_s = np.minimum(on_line_s, on_processor_s)
        on_either_s = np.maximum(on_line_s, on_processor_s) + apart * both_s
        rate = active / (wait_s + on_either_s)
        at_line, at_processor = rate * on_line_s, rate * on_processor_s
    return rate


def cpu_here_s(question: Question, scheme: str = "") -> float:
    """
    Return the CPU time of a file on the machine of the table, mean over the sizes.

    Between the sizes of the table it is interpolated in their logarithms; smaller
    files take as long as the smallest, and larger ones grow in proportion.
    """
    table = constant(_table(question, scheme))
    known, seconds = np.array(table.sizes_bytes), np.array(table.values)
    sizes = np.maximum(question.sizes_bytes, known[0])
    within = np.exp(np.interp(np.log(sizes), np.log(known), np.log(seconds)))
    return float(np.mean(within * np.maximum(1.0, sizes / known[-1])))


def _table(question: Question, scheme: str = "") -> str:
    return f"cpu_s_{question.engine}_{scheme or question.scheme}"
