"""
The address of a function or alias.

Every URL has a port of its own on loopback, ``http://127.0.0.1:PORT/``. AWS's form has
an id as the first label of the host name. Here the name would have to resolve, and of
``ID.lambda-url.REGION.localhost`` only curl and browsers make 127.0.0.1 by themselves:
urllib, requests, aiohttp and botocore ask the system, which does so where
nss-myhostname or systemd-resolved is set up and fails elsewhere. An id in the path
would change what the function sees and the client signs. A port always works and leaves
path and query alone; the id is in the event.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local_aws.local_lambda.http_server import authority
from local_aws.local_lambda.requests.function_reference import Reference


def url_timestamp() -> str:
    """Return the time as Lambda spells it for function URLs."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a URL is."""

    server: asyncio.Server
    host: str
    port: int

    def __str__(self) -> str:
        return authority(self.host, self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUrl:
    """
    One function URL.

    Attributes:
        settings: AuthType, Cors and InvokeMode as configured.

        id: AWS would make it the first label of the host name.

        modified: When it was changed, if it was.
    """

    reference: Reference
    address: Address
    settings: Mapping[str, Any]
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    created: str = field(default_factory=url_timestamp)
    modified: str = ""

    @property
    def cors(self) -> Mapping[str, Any]:
        """Its CORS settings, by boto3's names; empty if it has none."""
        cors: Mapping[str, Any] = self.settings.get("Cors", {})
        return cors

    def describe_new(self) -> dict[str, Any]:
        """Return what CreateFunctionUrlConfig answers: no more than was asked for."""
        description = {
            "FunctionUrl": f"http://{self.address}/",
            "FunctionArn": self.reference.arn,
            "CreationTime": self.created,
            **self.settings,
        }
        return {key: value for key, value in description.items() if value}

    def describe(self) -> dict[str, Any]:
        """Return what the other operations answer."""
        modified = {"LastModifiedTime": self.modified or self.created}
        return {"InvokeMode": "BUFFERED"} | self.describe_new() | modified
