"""Single parameters, as they are typed on the command line."""

from __future__ import annotations

from typing import Any

import yaml

from experiment.parameters.cell import SettingsError
from experiment.parameters.settings_file import fault_in


def value_of(name: str, text: str) -> Any:  # noqa: ANN401 - whatever YAML can say
    """
    Return the value of a parameter.

    Raises:
        SettingsError: If it is not YAML.
    """
    try:
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        msg = (
            f"The value of {name} is {text!r}, which is not YAML: "
            f"{fault_in(error)}. Write it as in the notebook's parameters cell, "
            "and quote it for the shell."
        )
        raise SettingsError(msg) from error
