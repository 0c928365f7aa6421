"""The project's folder."""

import pytest

from experiment.parameters import project_root


def test_the_root_is_where_the_project_file_is_and_none_outside_a_checkout(
    monkeypatch, tmp_path
):
    assert (project_root.root() / "pyproject.toml").is_file()
    assert (project_root.root() / "notebooks" / "20_fan_out.ipynb").is_file()
    monkeypatch.setattr(project_root, "__file__", str(tmp_path / "paths.py"))

    with pytest.raises(
        FileNotFoundError, match=r"No pyproject\.toml above .*make setup"
    ):
        project_root.root()
