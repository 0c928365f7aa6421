"""A file of parameters in YAML, as `-f` and the parameter `settings_file` take it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from experiment.parameters.checks import SettingsError
from experiment.parameters.project_root import root

if TYPE_CHECKING:
    from pathlib import Path

ITSELF = "settings_file"


def read_settings_file(path: Path) -> dict[str, Any]:
    """
    Return the parameters in a file.

    Raises:
        SettingsError: If it cannot be read, is not YAML, holds something else, or names
            another file of parameters.
    """
    try:
        parameters = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        folder = root() / "notebooks" / "settings"
        msg = (
            f"The file {path} cannot be read: {error.strerror}. A file of parameters "
            f"is in YAML, such as those in {folder}."
        )
        raise SettingsError(msg) from error
    except (ValueError, yaml.YAMLError) as error:
        msg = f"The file {path} is not YAML: {fault_in(error)}."
        raise SettingsError(msg) from error
    if not isinstance(parameters, dict):
        msg = f"{path} holds no parameters; write one per line, as in `files: 2000`."
        raise SettingsError(msg)
    if ITSELF in parameters:
        msg = f"{path} names another {ITSELF}; write all parameters into one file."
        raise SettingsError(msg)
    return parameters


def fault_in(error: Exception) -> str:
    """Return the first fault that YAML reports, on one line."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    where = f"line {error.problem_mark.line + 1}" if error.problem_mark else ""
    return ", ".join(filter(None, (where, error.context, error.problem)))
