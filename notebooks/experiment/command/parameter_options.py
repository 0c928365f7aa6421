"""Parameters as they are typed on the command line: in a file, or one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from experiment.parameters.checks import SettingsError
from experiment.parameters.settings_file import ITSELF, fault_in, read_settings_file

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

    `-p settings_file FILE` is read here, too, because the target decides where results
    go; `-f` overrides it.

    Raises:
        SettingsError: If a file cannot be used, or a value is not YAML.
    """
    options = {name: _value(name, text) for name, text in args.parameter}
    of_file: dict[str, Any] = {}
    for file in filter(None, (options.pop(ITSELF, None), args.file)):
        of_file |= read_settings_file(Path(str(file)))
    return of_file, options


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
