"""The changes of a deployment, and how to undo them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from rollout.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Of IAM, Lambda and CloudWatch Logs: somebody else created it, so it stays.
_EXISTS = {
    "EntityAlreadyExists",
    "ResourceConflictException",
    "ResourceAlreadyExistsException",
}

OURS = {"project": "million-downloads"}  # the tag of everything we make


class Changes:
    """
    Context manager that records changes, and undoes creations if it ends in an error.

    What cannot be removed is named in the exception's notes.

    Attributes:
        descriptions: Changes made, in order, in words.
    """

    def __init__(self) -> None:
        self.descriptions: list[str] = []
        self._created: list[tuple[str, Callable[[], object]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        if error is None:
            return
        for what, remove in reversed(self._created):
            try:
                remove()
            except (ClientError, BotoCoreError, DeployError) as failure:
                error.add_note(f"The {what} could not be removed again: {failure}.")

    @contextmanager
    def creating(self, what: str, remove: Callable[[], object]) -> Iterator[None]:
        """Record a creation, and how to undo it even if its answer gets lost."""
        self._created.append((what, remove))
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] in _EXISTS:
                self._created.pop()
            raise
        self.descriptions.append(f"created {what}")

    def changed(self, what: str) -> None:
        """Record a change."""
        self.descriptions.append(f"changed {what}")


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
