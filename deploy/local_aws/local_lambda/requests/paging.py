"""Lists in pages."""

from collections.abc import Mapping

from local_aws.local_lambda.requests.service_model import Answer, Call

# "returns a maximum of 50 items in each response, even if you set the number higher":
# ListFunctions and ListVersionsByFunction in boto3's documentation.
_MOST = 50


def page(call: Call, member: str, items: Mapping[str, Answer]) -> Answer:
    """Return a page of items, in the order of their keys, as a member of an answer."""
    marker = call.parameters.get("Marker", "")
    size = min(call.parameters.get("MaxItems", _MOST), _MOST)
    keys = sorted(key for key in items if key > marker)
    next_page = {"NextMarker": keys[size - 1]} if len(keys) > size else {}
    return {member: [items[key] for key in keys[:size]], **next_page}
