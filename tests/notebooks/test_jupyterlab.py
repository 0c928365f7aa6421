"""JupyterLab in a browser: run all, stop, resume, as a person would."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from tests.support.browser import CHROMIUM, page
from tests.support.held_origin import HeldOrigin
from tests.support.notebook_cells import FOLDER
from tests.support.waiting import WAIT_S, eventually

from experiment.ledger.run_folder import read_run
from experiment.parameters.project_root import root

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
]

LAB = re.findall(r"-m jupyter lab (.+) \\\n\s+(.+)", (root() / "Makefile").read_text())
NOW_AND_THEN_S = 0.5  # a browser that is always asked has no time for the kernel
LONG_S = 300  # nothing takes it unless it is broken
SIZE = {"files": 40, "file_kb": 1, "shards_per_execution": 2}
RUN_ALL = "window.jupyterapp.commands.execute('notebook:run-all-cells'), true"
NOTEBOOK = (
    "JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())"
)
IDLE = (
    "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status"
    " == 'idle'"
)
CLEAR = RUN_ALL.replace("run-all-cells", "clear-all-cell-outputs")
RESUME = """
(() => {
  const { widgets } = window.jupyterapp.shell.currentWidget.content;
  const models = widgets.map(one => one.model.sharedModel);
  const cell = models.find(one => one.source.includes("resume: bool"));
  cell.setSource(cell.source.replace(/(resume: bool) = False/, "$1 = True"));
  return true;
})()
"""
BOXES = "document.querySelectorAll('.jp-Dialog, .Toastify__toast').length"
STOP = '[data-command="notebook:interrupt-kernel"]'


@pytest.fixture
def lab(tmp_path):
    """
    JupyterLab with the options of `make lab`, on copies of the notebooks.

    Yields a function: where a notebook with other parameters opens.
    """
    ((first, second),) = LAB
    options = f"{first} {second}".replace("$(AS_ROOT)", "").replace(
        "--notebook-dir=notebooks", ""
    )
    folder = tmp_path / "notebooks"
    folder.mkdir()
    command = [
        *(sys.executable, "-m", "jupyter", "lab", *options.split(), "--no-browser"),
        *(
            "--port=0",
            "--LabApp.expose_app_in_browser=True",
            f"--notebook-dir={folder}",
        ),
    ]
    if os.geteuid() == 0:
        command.append("--allow-root")
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=root()
    ) as server:
        try:
            yield Lab(folder, _address(server))
        finally:
            server.terminate()
            server.communicate(timeout=WAIT_S)


def _address(server):
    for line in server.stderr:
        if found := re.search(r"(http://127\.0\.0\.1:\d+/lab/tree/)(\S+)(\?\S+)", line):
            assert found[2] == "00_start_here.ipynb"  # as `make lab` promises
            return found
    return pytest.fail("JupyterLab did not start")


class Lab:
    """A running JupyterLab, and the folder that it shows."""

    def __init__(self, folder, address):
        self._folder = folder
        self._address = address

    def opened(self, browser, name, **parameters):
        """Open a notebook with these parameters, and wait for its kernel."""
        notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            if "parameters" in cell.metadata.get("tags", ()):
                for one, value in parameters.items():
                    line = re.compile(rf"^({one}: .+?) = .*?  #", re.MULTILINE)
                    text = f"\\1 = {json.dumps(value)}  #".replace("true", "True")
                    cell.source, times = line.subn(text, cell.source)
                    assert times == 1, one
        file = f"{name}-{len(list(self._folder.iterdir()))}.ipynb"
        nbformat.write(notebook, self._folder / file)
        browser.open(f"{self._address[1]}{file}{self._address[3]}")
        browser.eventually(IDLE, within_s=LONG_S)

    def run_all(self, browser):
        """Run all cells to their end; return the notebook's outputs."""
        browser.value(RUN_ALL)
        return self.outputs(browser)

    def outputs(self, browser):
        """Wait until nothing runs; return the outputs of all cells."""
        eventually(lambda: _is_done(browser), within_s=LONG_S, every_s=NOW_AND_THEN_S)
        assert browser.value(BOXES) == 0
        return _outputs(browser)


def _cells(browser):
    cells = json.loads(browser.value(NOTEBOOK))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _is_done(browser):
    return browser.value(IDLE) and (
        all(cell["execution_count"] for cell in _cells(browser))
        or any(one["output_type"] == "error" for one in _outputs(browser))
    )


def _outputs(browser):
    return [output for cell in _cells(browser) for output in cell["outputs"]]


def errors(outputs):
    return [
        output
        for output in outputs
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]


def photographed(browser, name):
    """Keep a picture for whoever wants to look, if a folder is named."""
    if folder := os.environ.get("PICTURES"):
        browser.photograph(Path(folder) / f"{name}.png")


def test_run_all_of_the_first_notebook(lab):
    with page() as browser:
        lab.opened(browser, "00_start_here")
        assert not errors(lab.run_all(browser))
        photographed(browser, "00")


def test_run_all_of_a_fan_out_leaves_a_report(lab, tmp_path):
    with page() as browser:
        lab.opened(browser, "20_fan_out", run_folder=str(tmp_path / "run"), files=400)
        assert not errors(lab.run_all(browser))
        photographed(browser, "20")
    assert read_run(tmp_path / "run")["totals"]["counts"]["ok"] == 400
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Three phases are told apart" in report
    assert "Files</td>" in report
    assert "Code cells left out" not in report


def test_the_stop_button_stops_a_run_and_the_same_tab_resumes_it(lab, tmp_path):
    folder = tmp_path / "run"
    with HeldOrigin(served=10) as origin, page() as browser:
        given = SIZE | {"origin_url": origin.url, "run_folder": str(folder)}
        lab.opened(browser, "20_fan_out", **given)
        browser.value(RUN_ALL)
        eventually(
            lambda: "10 ok" in str(_outputs(browser)),
            within_s=LONG_S,
            every_s=NOW_AND_THEN_S,
        )
        browser.click(STOP)
        (stopped,) = errors(lab.outputs(browser))
        photographed(browser, "20-stopped")
        assert stopped["traceback"][0].startswith("Stopped: 10 of 40 kept in ")
        assert len(stopped["traceback"]) == 1

        origin.open.set()
        browser.value(CLEAR)
        browser.value(RESUME)
        assert not errors(lab.run_all(browser))
    assert read_run(folder)["totals"]["counts"]["ok"] == 40
