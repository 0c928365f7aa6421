"""What in S3 the URLs of a template are spread over: buckets, beginnings of keys."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

from fetcher.contract.source import Template, parts_of
from fetcher.s3.urls import SCHEME, Place, place_of
from fetcher.security.guard import BadUrlError

if TYPE_CHECKING:
    from collections.abc import Sequence

# A role's policies have 10,240 characters, and a bucket takes two statements of them.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MOST_BUCKETS = 32


def first_of_each_bucket(template: Template) -> dict[str, Place]:
    """
    Return the first object of every bucket, by its name.

    Args:
        template: Of URLs that are ``s3://``, numbered from 0.

    Raises:
        BadUrlError: If there are more buckets than a function's role has room for, or
            they cannot be called so.
    """
    bucket, _, _ = template.text.removeprefix(SCHEME).partition("/")
    _, divisors = parts_of(bucket)
    many = _ways(divisors, len(template))
    if many > MOST_BUCKETS:
        msg = (
            f"{template.text!r} names {many:,} buckets; the function's role has room "
            f"for {MOST_BUCKETS}. Let the number's remainder name fewer, as in "
            "s3://photos-{number%4}/{number}.jpg."
        )
        raise BadUrlError(msg)
    found: dict[str, Place] = {}
    for item in Template(template.text, ((0, many),)):
        place = place_of(item.url)
        found.setdefault(place.bucket, place)
    return found


def folders_of(template: Template) -> tuple[Place, ...]:
    """
    Return of every bucket what its keys begin with, up to a slash.

    Raises:
        BadUrlError: As `first_of_each_bucket`.

    >>> folders_of(Template("s3://b-{number%2}/a/{number%9}/{number}", ((0, 99),)))
    (Place(bucket='b-0', key='a'), Place(bucket='b-1', key='a'))
    """
    _, _, key = template.text.removeprefix(SCHEME).partition("/")
    texts, _ = parts_of(key)
    folder = texts[0].rpartition("/")[0]
    return tuple(Place(bucket, folder) for bucket in first_of_each_bucket(template))


def ways_of(template: Template) -> int:
    """
    Return in how many ways URLs begin, before the number itself.

    >>> ways_of(Template("s3://b-{number%2}/a/{number%9}/{number}", ((0, 99),)))
    18
    """
    before, _, _ = template.text.partition("{number}")
    _, divisors = parts_of(before)
    return _ways(divisors, len(template))


def _ways(divisors: Sequence[int | None], files: int) -> int:
    """Return how many different sets of remainders so many numbers from 0 have."""
    return files if None in divisors else min(files, lcm(*filter(None, divisors)))
