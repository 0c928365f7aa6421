"""Would it work there? Every reason why not, before anything is done or spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fetcher.options import MAX_CONNECTIONS
from rollout.errors import PreflightError
from rollout.limits import limit, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.target import Target

# Whether a MB of /tmp is a million bytes or 2**20 AWS does not say: the fewer are safe.
_MB = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """
    What an experiment asks of its target.

    Attributes:
        concurrency: Executions at once.

        connections: Downloads in flight inside one execution.

        tmp_mb: Size of ``/tmp``.

        scratch_bytes: What one execution keeps in ``/tmp`` at most; 0: nothing.

        request_bytes: The largest event.

        report_bytes: The largest answer that is expected.

        timeout_s: When Lambda ends an invocation.

        deadline_s: When the worker stops and reports.
    """

    concurrency: int
    connections: int
    tmp_mb: int
    scratch_bytes: int
    request_bytes: int
    report_bytes: int
    timeout_s: int
    deadline_s: float


def check(target: Target, need: Need) -> None:
    """
    Refuse what cannot work.

    Raises:
        PreflightError: With every problem that was found.
    """
    found = [
        *_concurrency(target, need),
        *_connections(need),
        problem("tmp_mb", need.tmp_mb, "MB"),
        *_scratch(need),
        problem("timeout_s", need.timeout_s, "s"),
        *_deadline(need),
        *_payloads(need),
    ]
    problems = [sentence for sentence in found if sentence]
    if problems:
        raise PreflightError(problems)


def _concurrency(target: Target, need: Need) -> Iterator[str]:
    if need.concurrency < 1:
        yield f"{need.concurrency} executions are wanted; there must be at least 1."
        return
    try:
        settings = target.client("lambda").get_account_settings()
    except (BotoCoreError, ClientError) as error:
        yield (
            "The account's concurrency cannot be read. Allow "
            f"lambda:GetAccountSettings. AWS says: {error}"
        )
        return
    free = settings["AccountLimit"]["UnreservedConcurrentExecutions"]
    if need.concurrency > free:
        yield (
            f"{need.concurrency:,} executions at once are wanted; the account has "
            f"{free:,} in {target.region}. Set `concurrency` to {free:,} or less, or "
            "ask AWS for more: Service Quotas, Lambda, Concurrent executions."
        )


def _connections(need: Need) -> Iterator[str]:
    if not 1 <= need.connections <= MAX_CONNECTIONS:
        yield (
            f"{need.connections:,} connections an execution are wanted; its "
            f"{limit('descriptors').most:,} descriptors are enough for 1 to "
            f"{MAX_CONNECTIONS:,}. Set `connections` within these."
        )


def _scratch(need: Need) -> Iterator[str]:
    if need.scratch_bytes > need.tmp_mb * _MB:
        wanted = -(-need.scratch_bytes // _MB)
        remedy = (
            f"Set `tmp_mb` to {wanted:,}"
            if wanted <= limit("tmp_mb").most
            else "No `tmp_mb` is enough: deal smaller shards"
        )
        yield (
            f"An execution keeps {need.scratch_bytes:,} bytes in its temporary "
            f"storage, which has {need.tmp_mb:,} MB. {remedy}, or use a sink that "
            "keeps nothing there, or download fewer files."
        )


def _deadline(need: Need) -> Iterator[str]:
    if not 0 < need.deadline_s < need.timeout_s:
        yield (
            f"The worker's deadline is {need.deadline_s:g} s and Lambda's timeout "
            f"{need.timeout_s:g} s: a report that is not out by then is lost. Set "
            "`deadline_s` below `timeout_s`."
        )


def _payloads(need: Need) -> Iterator[str]:
    for what, size, name in (
        ("event", need.request_bytes, "request_bytes"),
        ("report", need.report_bytes, "report_bytes"),
    ):
        most = limit(name).most
        if size > most:
            yield (
                f"The largest {what} has {size:,} bytes; Lambda takes {most:,}. Deal "
                "smaller shards."
            )
