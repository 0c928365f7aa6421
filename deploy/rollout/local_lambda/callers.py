"""Who may sign requests: the credentials the local endpoint has given out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Somebody whose signature can be checked.

    Attributes:
        access_key: The id of the key.

        arn: Who that is.

        user_id: The same, by IAM's unique id.

        secret: What signatures are made with.

        tokens: Session tokens that may come with the key; empty stands for none.

        expires_at: When a temporary key ends, in seconds since 1970; None: never.
    """

    access_key: str
    arn: str
    user_id: str
    secret: str = field(repr=False)
    tokens: tuple[str, ...] = field(default=("",), repr=False)
    expires_at: float | None = None


Identify = Callable[[str], Awaitable[Caller | None]]
"""Finds whose key an id is of; None if it is nobody's, or inactive."""
