"""Parameters as they are given on the command line: a file, and single values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from experiment.ledger.machine import root
from experiment.parameters.cell import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def from_file(path: Path) -> dict[str, Any]:
    """
    Return the parameters in a YAML file.

    Raises:
        SettingsError: If it cannot be read, or holds none.
    """
    try:
        parameters = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        folder = root() / "notebooks" / "settings"
        msg = (
            f"The file {path} cannot be read: {error.strerror}. -f takes a file of "
            f"parameters in YAML, such as those in {folder}."
        )
        raise SettingsError(msg) from error
    except (ValueError, yaml.YAMLError) as error:
        msg = f"The file {path} is not YAML: {_fault(error)}."
        raise SettingsError(msg) from error
    if not isinstance(parameters, dict):
        msg = f"{path} holds no parameters; write one per line, as in `files: 2000`."
        raise SettingsError(msg)
    return parameters


def value_of(name: str, text: str) -> Any:  # noqa: ANN401 - whatever YAML can say
    """
    Return the value of a parameter on the command line.

    Raises:
        SettingsError: If it is not YAML.
    """
    try:
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        msg = (
            f"The value of {name} is {text!r}, which is not YAML: "
            f"{_fault(error)}. Write it as in the notebook's parameters cell, "
            "and quote it for the shell."
        )
        raise SettingsError(msg) from error


def _fault(error: Exception) -> str:
    """Return the first fault that YAML reports, on one line."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    where = f"line {error.problem_mark.line + 1}" if error.problem_mark else ""
    return ", ".join(filter(None, (where, error.context, error.problem)))
