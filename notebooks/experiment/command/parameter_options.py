"""Parameters as they are typed on the command line: in a file, or one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from experiment.parameters.cell import SettingsError
from experiment.parameters.settings_file import fault_in, read_settings_file

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_parameters(parser: ArgumentParser, file_help: str) -> None:
    """Add `-f` and `-p` to a command."""
    parser.add_argument("-f", dest="file", metavar="FILE", type=Path, help=file_help)
    parser.add_argument(
        "-p",
        dest="parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="one parameter, its value in YAML; overrides FILE",
    )


def parameters_in(args: Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Return the parameters of the file, and those given one by one.

    Raises:
        SettingsError: If the file cannot be used, or a value is not YAML.
    """
    of_file = read_settings_file(args.file) if args.file else {}
    return of_file, {name: _value(name, text) for name, text in args.parameter}


def _value(name: str, text: str) -> Any:  # noqa: ANN401 - whatever YAML can say
    try:
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        msg = (
            f"The value of {name} is {text!r}, which is not YAML: "
            f"{fault_in(error)}. Write it as in the notebook's parameters cell, "
            "and quote it for the shell."
        )
        raise SettingsError(msg) from error
