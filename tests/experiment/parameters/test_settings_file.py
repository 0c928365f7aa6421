"""A file of settings: found, checked, and beside the parameters cell."""

import re

import pytest

from experiment.parameters.checks import SettingsError
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.project_root import root


def test_a_file_of_settings_counts_where_the_cell_has_defaults(tmp_path, monkeypatch):
    """
    A value set in the cell wins; so does one that papermill set, default or not.
    """
    file = tmp_path / "larger.yaml"
    file.write_text("files: 9000\nconcurrency: 7\nconnections: 30\n")
    monkeypatch.chdir(tmp_path)
    cells = ["files: int = 0\nconcurrency: int = 3", "# Parameters\nconnections = 0"]
    namespace = {"settings_file": "larger.yaml", "In": cells}
    values = {"files": 0, "concurrency": 3, "connections": 0}
    settings = FanOutSettings.from_notebook(namespace | values)

    assert (settings.files, settings.concurrency) == (9_000, 3)
    assert settings.connections == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fils: 9", "yaml: There is no parameter 'fils'. Did you mean 'files'?"),
        ("settings_file: x", "names another settings_file; write all parameters into"),
        ("files: many", "files is 'many', of type str"),
        ("[1]", "holds no parameters; write one per line, as in `files: 2000`"),
        ("files: 1\na: [1", "is not YAML: line 2, while parsing a flow sequence"),
        ("\xff", "is not YAML: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_a_file_of_settings_with_a_fault_is_refused(tmp_path, text, said):
    file = tmp_path / "faulty.yaml"
    file.write_bytes(text.encode("latin-1"))

    with pytest.raises(SettingsError, match=re.escape(said)):
        FanOutSettings.from_notebook({"settings_file": str(file)})


def test_settings_files_are_found_from_the_project_and_from_the_notebooks(monkeypatch):
    monkeypatch.chdir(root() / "notebooks")
    for folder in ("settings", "notebooks/settings"):
        path = f"{folder}/40_million-local.yaml"
        settings = FanOutSettings.from_notebook({"settings_file": path})

        assert settings.files == 1_000_000
