"""The one temporary folder of an endpoint."""

import os
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from origin.temporary_folders import owned_folder

PREFIX = "local-lambda-"

# Functions have a /tmp of their own over this one, in which nothing of ours should be.
_SHARED = Path("/tmp")  # noqa: S108 - the folder made in it is ours alone
_ASIDE = Path("/var/tmp")  # noqa: S108


def temporary() -> AbstractContextManager[Path]:
    """Make a folder that is removed at the end, or else by the next endpoint."""
    return owned_folder(PREFIX, _parent())


def _parent() -> Path:
    parent = Path(tempfile.gettempdir())
    if parent == _SHARED and os.access(_ASIDE, os.W_OK | os.X_OK):
        return _ASIDE
    return parent
