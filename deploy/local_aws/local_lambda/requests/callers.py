"""Who may sign requests: the credentials the local endpoint has given out."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # those of AWS's own ids


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


@dataclass(frozen=True, slots=True)
class KeyPair:
    """
    An access key of an endpoint.

    Attributes:
        access_key_id: As in ``AWS_ACCESS_KEY_ID``.

        secret_access_key: As in ``AWS_SECRET_ACCESS_KEY``.

        session_token: What functions find as ``AWS_SESSION_TOKEN``: on AWS they have
            one. It may be left out.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    @classmethod
    def random(cls) -> KeyPair:
        """
        Make a pair that nobody can guess.

        >>> KeyPair.random().access_key_id[:5]
        'LOCAL'
        """
        letters = (secrets.choice(_LETTERS) for _ in range(15))
        secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(30)
        return cls(f"LOCAL{''.join(letters)}", secret, token)

    def environ(self) -> dict[str, str]:
        """Return the variables in which boto3 and the AWS CLI look for it."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,  # and none of another account
        }
