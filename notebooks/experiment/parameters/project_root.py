"""The project's folder."""

from __future__ import annotations

from pathlib import Path

_ROOT_MARK = "pyproject.toml"


def root() -> Path:
    """
    Return the project's folder, wherever the notebook was started from.

    Raises:
        FileNotFoundError: If the package is not in a checkout.
    """
    for folder in Path(__file__).resolve().parents:
        if (folder / _ROOT_MARK).exists():
            return folder
    msg = f"No {_ROOT_MARK} above {__file__}. Install with `make setup` in a checkout."
    raise FileNotFoundError(msg)
