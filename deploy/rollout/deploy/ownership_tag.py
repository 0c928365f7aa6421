"""The tag of everything we make, without which nothing is changed or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = {"project": "million-downloads"}


def check_ours(what: str, tags: Mapping[str, str]) -> None:
    """
    Refuse to touch a resource of somebody else's.

    Raises:
        DeployError: If it does not carry our tag.
    """
    if not OURS.items() <= tags.items():
        key, value = next(iter(OURS.items()))
        msg = (
            f"The {what} exists, but shows no tag {key}={value}, so it is not ours to "
            "change or remove. Choose another name; or, if it is ours, make sure that "
            "you may list its tags."
        )
        raise DeployError(msg)
