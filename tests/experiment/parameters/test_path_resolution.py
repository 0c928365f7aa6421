"""The project's folder."""

import pytest

from experiment.parameters import path_resolution


def test_the_root_is_where_the_project_file_is_and_none_outside_a_checkout(
    monkeypatch, tmp_path
):
    assert (path_resolution.root() / "pyproject.toml").is_file()
    assert (path_resolution.root() / "notebooks" / "20_fan_out.ipynb").is_file()
    monkeypatch.setattr(path_resolution, "__file__", str(tmp_path / "paths.py"))

    with pytest.raises(
        FileNotFoundError, match=r"No pyproject\.toml above .*make setup"
    ):
        path_resolution.root()
