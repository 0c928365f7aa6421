"""The buckets and key prefixes that a template's URLs are spread over."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

from fetcher.contract.template_source import Template, parts_of
from fetcher.s3.urls import SCHEME, Place, place_of
from fetcher.security.guard import BadUrlError

if TYPE_CHECKING:
    from collections.abc import Sequence

# A role's policies may have 10,240 characters; each bucket needs two statements.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MOST_BUCKETS = 32


def first_of_each_bucket(template: Template) -> dict[str, Place]:
    """
    Return the first object of every bucket, by the bucket's name.

    Args:
        template: Of ``s3://`` URLs, numbered from 0.

    Raises:
        BadUrlError: If a name is wrong, or there are more buckets than a function's
            role has room for.
    """
    bucket, _, _ = template.text.removeprefix(SCHEME).partition("/")
    _, divisors = parts_of(bucket)
    count = _combinations(divisors, len(template))
    if count > MOST_BUCKETS:
        msg = (
            f"{template.text!r} names {count:,} buckets; the function's role has room "
            f"for {MOST_BUCKETS}. Use a remainder that names fewer, as in "
            "s3://photos-{number%4}/{number}.jpg."
        )
        raise BadUrlError(msg)
    found: dict[str, Place] = {}
    for item in Template(template.text, ((0, count),)):
        place = place_of(item.url)
        found.setdefault(place.bucket, place)
    return found


def folders_of(template: Template) -> tuple[Place, ...]:
    """
    Return the folder of the keys in every bucket.

    Raises:
        BadUrlError: As `first_of_each_bucket`.

    >>> folders_of(Template("s3://b-{number%2}/a/{number%9}/{number}", ((0, 99),)))
    (Place(bucket='b-0', key='a'), Place(bucket='b-1', key='a'))
    """
    _, _, key = template.text.removeprefix(SCHEME).partition("/")
    texts, _ = parts_of(key)
    folder = texts[0].rpartition("/")[0]
    return tuple(Place(bucket, folder) for bucket in first_of_each_bucket(template))


def prefixes_of(template: Template) -> int:
    """
    Return the number of prefixes that URLs have before the number itself.

    >>> prefixes_of(Template("s3://b-{number%2}/a/{number%9}/{number}", ((0, 99),)))
    18
    """
    before, _, _ = template.text.partition("{number}")
    _, divisors = parts_of(before)
    return _combinations(divisors, len(template))


def _combinations(divisors: Sequence[int | None], files: int) -> int:
    """Return how many combinations of remainders so many numbers from 0 have."""
    return files if None in divisors else min(files, lcm(*filter(None, divisors)))
