"""What a deployment has done so far, and how to take it back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from rollout.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Of IAM, Lambda and CloudWatch Logs: it is there, and not ours to take back.
_SOMEBODY_WAS_FASTER = {
    "EntityAlreadyExists",
    "ResourceConflictException",
    "ResourceAlreadyExistsException",
}

OURS = {"project": "million-downloads"}  # on everything we make


class Changes:
    """
    A context: leaving it by an exception removes what was created inside.

    What cannot be removed is told in the exception's notes.

    Attributes:
        said: What was done, in order, in a person's words.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self._made: list[tuple[str, Callable[[], object]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        if error is None:
            return
        for what, remove in reversed(self._made):
            try:
                remove()
            except (ClientError, BotoCoreError, DeployError) as failure:
                error.add_note(f"The {what} is left, for: {failure}.")

    @contextmanager
    def creating(self, what: str, remove: Callable[[], object]) -> Iterator[None]:
        """
        Note that something is new once it is made.

        Args:
            what: It, in a person's words.

            remove: Takes it back, if it was made: an answer may be lost on its way.
        """
        self._made.append((what, remove))
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] in _SOMEBODY_WAS_FASTER:
                self._made.pop()
            raise
        self.said.append(f"created {what}")

    def changed(self, what: str) -> None:
        """Note that something was changed."""
        self.said.append(f"changed {what}")


def check_ours(what: str, tags: Mapping[str, str]) -> None:
    """
    Refuse to touch what somebody else made.

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
