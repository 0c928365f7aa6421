"""Lists in pages."""

from collections.abc import Mapping
from typing import TypeVar

from local_aws.local_lambda.requests.service_model import Call

# "returns a maximum of 50 items in each response, even if you set the number higher":
# ListFunctions and ListVersionsByFunction in boto3's documentation.
_MOST = 50

_Item = TypeVar("_Item")


def page(call: Call, items: Mapping[str, _Item]) -> tuple[list[_Item], dict[str, str]]:
    """Return a page of items in the order of their keys, and the way to the next."""
    marker = call.parameters.get("Marker", "")
    size = min(call.parameters.get("MaxItems", _MOST), _MOST)
    keys = sorted(key for key in items if key > marker)
    entries = [items[key] for key in keys[:size]]
    return entries, {"NextMarker": keys[size - 1]} if len(keys) > size else {}
