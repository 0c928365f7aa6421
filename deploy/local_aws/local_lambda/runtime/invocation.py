"""One invocation of a function, from the request to its result."""

import asyncio
from dataclasses import dataclass, field

from local_aws.local_lambda.runtime.outcome import InvocationResult
from local_aws.local_lambda.runtime.version import LATEST

PendingResult = asyncio.Future[InvocationResult]


@dataclass(frozen=True, slots=True)
class Request:
    """
    A caller's request to run a function.

    Attributes:
        id: The request id that caller, function and log see.

        arn: The function, spelled as invoked.

        client_context: JSON, or empty.

        wants_log: Whether the response includes the end of the log.
    """

    id: str
    arn: str
    payload: bytes
    qualifier: str = LATEST
    client_context: str = ""
    wants_log: bool = False


@dataclass(eq=False, slots=True)
class Execution:
    """
    A request on its way through an environment.

    Attributes:
        answer: Resolved when the execution has ended.
    """

    request: Request
    answer: PendingResult = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
