"""What a job of the service costs, before it is submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.service.jobs.slice_plan import FILES_PER_S, slice_size
from fetcher.service.settings import Settings
from rollout.deploy import lambda_function
from rollout.errors import ServiceError
from rollout.price import LOG_BYTES, REQUEST_BYTES, Bill, Billable, bill

if TYPE_CHECKING:
    from rollout.target.connection import Target

# Objects that the service keeps of a slice: its URLs, a claim, a report and a result.
_DOCUMENTS = 4
_PARTS_OF_A_TAR = 3  # begun, completed, and an index


def price_of(target: Target, function: str, urls: int, sink: str) -> Bill:
    """
    Return the bill of a job whose executions fetch as fast as the service plans.

    What is kept in the bucket afterwards, and the parts of tars, depend on the files'
    sizes, which nobody knows before.

    Raises:
        ServiceError: If there is no such function, or it is no service that works.
    """
    found = lambda_function.find(target, function)
    if found is None:
        msg = f"There is no function {function}."
        raise ServiceError(msg)
    configuration = found["Configuration"]
    variables = configuration.get("Environment", {}).get("Variables", {})
    try:
        lanes = Settings.from_environment(variables).job_executions
    except ValueError as error:
        msg = f"The function {function} answers nobody: {error} Deploy it again."
        raise ServiceError(msg) from error
    slices = -(-urls // slice_size(urls, configuration["Timeout"], lanes))
    files = {"s3-objects": urls, "s3-tar": _PARTS_OF_A_TAR * slices}.get(sink, 0)
    return bill(
        Billable(
            architecture=configuration["Architectures"][0],
            memory_mb=configuration["MemorySize"],
            tmp_mb=configuration["EphemeralStorage"]["Size"],
            invocations=slices + 1,  # one plans
            billed_s=urls / FILES_PER_S,
            log_bytes=(slices + 1) * LOG_BYTES,
            s3_writes=files + slices * _DOCUMENTS,
            to_internet_bytes=urls * REQUEST_BYTES,
            region=target.region,
        )
    )
