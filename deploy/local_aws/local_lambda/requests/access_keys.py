"""Access keys, and who calls with them."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # those of AWS's own ids


@dataclass(frozen=True, slots=True)
class Caller:
    """
    The owner of an access key.

    Attributes:
        access_key: The id of the key.

        user_id: The owner's unique id in IAM.

        tokens: The session tokens accepted with the key; ``""`` accepts none.

        expires_at: When a temporary key ends, in seconds since 1970; None: never.
    """

    access_key: str
    arn: str
    user_id: str
    secret: str = field(repr=False)
    tokens: tuple[str, ...] = field(default=("",), repr=False)
    expires_at: float | None = None


Identify = Callable[[str], Awaitable[Caller | None]]
"""Finds the owner of an access key; None if it is unknown or inactive."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """
    An access key of an endpoint.

    >>> KeyPair.random().access_key_id[:5]
    'LOCAL'

    Attributes:
        session_token: Functions find it as ``AWS_SESSION_TOKEN``, as on AWS. Requests
            may leave it out.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    @classmethod
    def random(cls) -> KeyPair:
        """Make a pair that nobody can guess."""
        letters = (secrets.choice(_LETTERS) for _ in range(15))
        secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(30)
        return cls(f"LOCAL{''.join(letters)}", secret, token)

    def environ(self) -> dict[str, str]:
        """Return the environment variables that boto3 and the AWS CLI read."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,  # and none of another account
        }
