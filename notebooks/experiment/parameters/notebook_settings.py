"""What the settings of all notebooks have in common: a parameters cell, and a file."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from experiment.parameters.cell_assignments import parameters_injected, parameters_set
from experiment.parameters.checks import SettingsError, check_known
from experiment.parameters.path_resolution import resolved
from experiment.parameters.settings_file import ITSELF, read_settings_file
from fetcher.contract.options import check_types

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class NotebookSettings:
    """
    The settings of a notebook.

    Attributes:
        settings_file:
            A file of parameters in YAML, for those that the parameters cell leaves at
            their defaults.
    """

    settings_file: str = ""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, naming the parameter."""
        try:
            self._check()
        except (TypeError, ValueError) as error:
            msg = f"{error} Set it in the notebook's parameters cell."
            raise SettingsError(msg) from error

    def _check(self) -> None:
        check_types(self)

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, Any]) -> Self:
        """
        Read the settings from a notebook's variables.

        Raises:
            SettingsError: If a parameter is wrong, or does not exist, which papermill
                only warns about.
        """
        cells, defaults = namespace.get("In", []), cls._defaults()
        check_known(parameters_set(cells), defaults)
        values = {name: namespace[name] for name in defaults if name in namespace}
        if file := values.get(ITSELF):
            path = resolved(str(file))
            of_file = read_settings_file(path)
            *known, _itself = defaults
            check_known(of_file, known, f"{path}: ")
            given = set(parameters_injected(cells))  # even if they are defaults
            for name, value in of_file.items():
                is_default = values.get(name, defaults[name]) == defaults[name]
                if is_default and name not in given:
                    values[name] = value
        return cls(**values)

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """Return the default of each parameter; the file of them comes last."""
        by_name = {
            item.name: item.default_factory()
            if item.default_factory is not MISSING
            else item.default
            for item in fields(cls)
        }
        return by_name | {ITSELF: by_name.pop(ITSELF)}

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON fields."""
        return asdict(self)
