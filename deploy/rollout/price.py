"""Usage priced in dollars, item by item, at its region's prices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aws_facts.limits import limit
from aws_facts.prices import HOME, mark, price

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

DEFAULT_MAX_COST_USD = 5.0
# Both are estimates, about as long as those lines and headers are.
LOG_BYTES = 500  # of an invocation: START, END and REPORT
REQUEST_BYTES = 400  # of a file: a request line with headers, and what TLS adds

_MB_OF_A_GB = 1_024
_GB = 2**30
_CENT = 0.01
_LEAST_SHOWN = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Billable:
    """
    Usage that AWS bills.

    Attributes:
        billed_s: Billed time of all of them, inits included.

        s3_writes, s3_reads: Requests to S3.

        stored_bytes: Bytes kept in S3 for a month.

        to_internet_bytes: Bytes sent out of AWS: requests for files, and reports.

        nat_bytes: Bytes through a NAT gateway, either way; its hours are not priced.

        efs_bytes: Bytes written to an EFS, and kept there for a month.
    """

    architecture: str
    memory_mb: int
    tmp_mb: int
    invocations: int
    billed_s: float
    log_bytes: int = 0
    s3_writes: int = 0
    s3_reads: int = 0
    stored_bytes: int = 0
    between_regions_bytes: int = 0
    to_internet_bytes: int = 0
    nat_bytes: int = 0
    efs_bytes: int = 0
    region: str = HOME


class BillLine(NamedTuple):
    """
    A line of a bill.

    Attributes:
        each: Dollars for one.

        source, seen: Where the price was read, and when.

        assumed: Whether it is us-east-1's, because the region's is not known.
    """

    what: str
    amount: float
    each: float
    dollars: float
    source: str
    seen: date
    assumed: bool = False


class Bill(NamedTuple):
    """
    A priced usage.

    Attributes:
        items: Its lines: memory and requests, then others that are used.
    """

    items: tuple[BillLine, ...]

    @property
    def dollars(self) -> float:
        """The sum."""
        return sum(item.dollars for item in self.items)

    @property
    def assumes(self) -> bool:
        """Whether a price is assumed to be as in us-east-1."""
        return any(item.assumed for item in self.items)

    def lines(self) -> Iterator[str]:
        """Yield the lines as text, the sum last."""
        for item in self.items:
            amount = in_amount(item.amount)
            assumed = mark(assumed=item.assumed)
            yield f"{in_dollars(item.dollars):>10}  {amount} {item.what}{assumed}"
        yield f"{in_dollars(self.dollars):>10}  in all"


def bill(usage: Billable) -> Bill:
    r"""
    Price a usage.

    >>> thousand = Billable(
    ...     architecture="x86_64", memory_mb=512, tmp_mb=512, invocations=1_000,
    ...     billed_s=29_000,
    ... )
    >>> print(*bill(thousand).lines(), sep="\n")
         $0.24  14,500 GB-seconds of memory, x86_64
      $0.00020  1,000 requests
         $0.24  in all
    """
    gb_s = usage.billed_s / _MB_OF_A_GB  # for each MB
    tmp_mb = limit("tmp_mb").least
    more_mb, processor = max(0, usage.tmp_mb - tmp_mb), usage.architecture
    between, out = usage.between_regions_bytes, usage.to_internet_bytes
    always = (
        (
            usage.memory_mb * gb_s,
            f"{processor}_gb_s",
            f"GB-seconds of memory, {processor}",
        ),
        (usage.invocations, "request", "requests"),
    )
    others = (
        (more_mb * gb_s, "tmp_gb_s", f"GB-seconds of /tmp above {tmp_mb} MB"),
        (usage.log_bytes / _GB, "log_gb", "GB of log lines"),
        (usage.s3_writes, "s3_write", "writes to S3"),
        (usage.s3_reads, "s3_read", "reads from S3"),
        (usage.stored_bytes / _GB, "s3_gb_month", "GB in S3 for a month"),
        (between / _GB, "between_regions_gb", "GB from another region"),
        (out / _GB, "to_internet_gb", "GB of requests and reports to the internet"),
        (usage.nat_bytes / _GB, "nat_gb", "GB through a NAT gateway"),
        (usage.efs_bytes / _GB, "efs_write_gb", "GB written to EFS"),
        (usage.efs_bytes / _GB, "efs_gb_month", "GB in EFS for a month"),
    )
    used = (*always, *(item for item in others if item[0]))
    return Bill(
        tuple(_item(what, amount, name, usage.region) for amount, name, what in used)
    )


def in_dollars(dollars: float) -> str:
    """
    Format dollars: to the cent; below a cent with two significant figures.

    >>> in_dollars(1_234.5), in_dollars(0.000_214), in_dollars(0.000_000_2)
    ('$1,234.50', '$0.00021', '$0.00000020')
    >>> in_dollars(0), in_dollars(0.0099), in_dollars(0.241)
    ('$0.00', '$0.0099', '$0.24')
    """
    if dollars >= _CENT or not dollars:
        return f"${dollars:,.2f}"
    return f"${dollars:.{1 - math.floor(math.log10(dollars))}f}"


def in_amount(amount: float) -> str:
    """
    Format the amount of an item.

    >>> in_amount(14_500), in_amount(0.061), in_amount(0.000_4)
    ('14,500', '0.061', 'less than 0.001')
    """
    if amount >= 1:
        return f"{amount:,.0f}"
    return f"{amount:.2g}" if amount >= _LEAST_SHOWN else f"less than {_LEAST_SHOWN}"


def _item(what: str, amount: float, name: str, region: str) -> BillLine:
    one = price(name, region)
    each = one.dollars
    return BillLine(
        what, amount, each, amount * each, one.source, one.seen, one.assumed
    )
