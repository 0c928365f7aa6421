"""Paths as a person types them, and as they are shown."""

from __future__ import annotations

from pathlib import Path

from experiment.parameters.project_root import root


def resolved(text: str) -> Path:
    """
    Return the path that a parameter means.

    A relative one is looked for in the working directory, which in JupyterLab is the
    notebook's folder, and then in the project's folder, where a new one is made, too.
    """
    path = Path(text).expanduser()
    return path.absolute() if path.exists() else root() / path


def named_path(path: Path) -> Path:
    """Return a path as parameters and commands take it in the project's folder."""
    return path.relative_to(root()) if path.is_relative_to(root()) else path


def shown_path(path: Path) -> Path:
    """Return a path as a person at the shell would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
