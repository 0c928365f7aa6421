"""The changes of a deployment, and how to undo them."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from fetcher.process.signals import SIGNALS
from rollout.deploy.expected_errors import retry_until_shown, retry_while_transient
from rollout.errors import DeployError
from rollout.target.aws_errors import code_of, is_final, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Of IAM, Lambda and CloudWatch Logs: somebody else created it, so it stays.
_EXISTS = {
    "EntityAlreadyExists",
    "ResourceConflictException",
    "ResourceAlreadyExistsException",
}


class DeployStopped(KeyboardInterrupt):
    """Somebody stopped a deployment; says whether anything is left of it."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback."""
        return [f"Stopped: {self}"]


class Changes:
    """
    Context manager that records changes, and undoes creations if it ends in an error.

    What stays is named in the exception's notes. An interrupt becomes a
    `DeployStopped`; another, while creations are undone, is ignored.

    Attributes:
        descriptions: Changes made, in order, in words.
    """

    def __init__(self) -> None:
        self.descriptions: list[str] = []
        self._created: list[tuple[str, Callable[[], bool]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        if error is None:
            return
        with _uninterrupted():
            notes = list(self._undo())
        if isinstance(error, KeyboardInterrupt):
            raise DeployStopped(" ".join((self._told(notes), *notes))) from None
        for note in notes:
            error.add_note(note)

    def _undo(self) -> Iterator[str]:
        """
        Remove what was created, the latest first; describe what stays.

        Once something is known to stay, so does all that was created before it: a
        function needs its role, and by the log group the doctor finds both. What only
        may have been created is named, and does not hold up the rest.
        """
        earlier = [what for what, _ in self._created]
        if earlier:
            _tell("Undoing the deployment; this can take a minute.")
        for what, remove in reversed(self._created):
            earlier.pop()
            # Only what AWS said that it created is worth waiting for.
            is_known = f"created {what}" in self.descriptions
            try:
                is_gone = retry_until_shown(remove) if is_known else remove()
            except (ClientError, BotoCoreError, DeployError) as failure:
                said = message_of(failure).rstrip(".")
                yield f"The {what} could not be removed again: {said}."
                break
            if not is_gone:
                yield f"AWS does not show the {what}: destroy later, to be sure."
                if is_known:
                    break
        if earlier:
            others = ", ".join(reversed(earlier))
            yield f"So these stay, too, until you destroy them: {others}."

    def _told(self, notes: list[str]) -> str:
        if self._created:
            return f"the deployment was undone{' as far as possible' * bool(notes)}."
        if self.descriptions:
            return f"{', '.join(self.descriptions)}; deploy again to complete it."
        return "nothing was deployed."

    def create(
        self, what: str, create: Callable[[], object], remove: Callable[[], bool]
    ) -> bool:
        """
        Create something that was not there a moment ago.

        Args:
            what: Its kind and name.

            create: Creates it; repeated while AWS refuses for a transient reason.

            remove:
                Undoes that, even if its answer gets lost; returns whether it was there.

        Returns:
            Whether it was created here. Otherwise somebody else was faster, and it
            stays whatever comes.
        """
        self._created.append((what, remove))
        try:
            retry_while_transient(create)
        except ClientError as error:
            # An earlier attempt may have created it, if its answer got lost.
            if is_final(error):
                self._created.pop()
            if code_of(error) not in _EXISTS:
                raise
            if is_final(error):
                return False
        self.descriptions.append(f"created {what}")
        return True

    def changed(self, what: str) -> None:
        """Record a change."""
        self.descriptions.append(f"changed {what}")


def _tell(line: str) -> None:
    with suppress(OSError):  # nobody may be there any more to read it
        print(line, file=sys.stderr, flush=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C and the stop button; other threads never get them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
