"""
Cross-origin requests to function URLs.

From AWS's page "Creating and managing Lambda function URLs" and responses captured in
dev.to/rimutaka, "AWS Lambda Function URL with CORS explained by example" (2024-08):
with CORS configured no OPTIONS reaches the function; every other response gets the
configured headers beside the function's own, even twice; an origin that is allowed is
repeated, never answered by ``*``.
"""

from collections.abc import Mapping
from typing import Any

Headers = list[tuple[str, str]]


def headers(cors: Mapping[str, Any], origin: str | None) -> Headers:
    """
    Return the headers to add to a response.

    Args:
        cors: The URL's configuration, by boto3's names; empty if it has none.

        origin: The origin of the page that sends the request, or None.

    >>> headers({"AllowOrigins": ["*"]}, "https://a.example")
    [('Access-Control-Allow-Origin', 'https://a.example'), ('Vary', 'Origin')]
    >>> headers({"AllowOrigins": ["https://b.example"]}, "https://a.example")
    []
    """
    allowed = cors.get("AllowOrigins", [])
    if origin is None or not {"*", origin} & set(allowed):
        return []
    found = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    if cors.get("ExposeHeaders"):
        found.append(("Access-Control-Expose-Headers", ",".join(cors["ExposeHeaders"])))
    if cors.get("AllowCredentials"):
        found.append(("Access-Control-Allow-Credentials", "true"))
    return found


def preflight_headers(cors: Mapping[str, Any], origin: str | None) -> Headers:
    """Return the further headers that answer an OPTIONS."""
    if not headers(cors, origin):
        return []
    lists = {
        "Access-Control-Allow-Headers": cors.get("AllowHeaders"),
        "Access-Control-Allow-Methods": cors.get("AllowMethods"),
    }
    found = [(name, ",".join(listed)) for name, listed in lists.items() if listed]
    if "MaxAge" in cors:
        found.append(("Access-Control-Max-Age", str(cors["MaxAge"])))
    return found
