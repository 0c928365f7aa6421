"""`report.html`: one file that says what a run found, and asks for nothing."""

import re
import shutil
from base64 import b64encode
from html.parser import HTMLParser

import nbformat
import pandas as pd
import pytest

from experiment.__main__ import main
from experiment.ledger.run_folder import open_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.project_root import root
from experiment.report import key_figures, reproduction
from experiment.report import page as page_module
from experiment.report.page import page_of, write_report
from experiment.report.redraw import RunShown, show_run
from experiment.report.runs_gallery import write_overview

(PUBLISHED,) = (root() / "results" / "published").glob("*173846Z-40_million-local")
MOST_BYTES = 3_000_000


def attributes_in(page, *tags):
    """The attributes of all elements of a page, or of those with some tags."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, attributes))
    parser.feed(page)
    return [dict(attributes) for tag, attributes in found if not tags or tag in tags]


def executed(folder):
    """Put the executed notebook of a run into its folder."""
    v4 = nbformat.v4
    bar = [
        v4.new_output("stream", name="stdout", text=f"\r{percent} % done")
        for percent in (0, 50, 100)
    ]
    png = b64encode((folder / "timeline.png").read_bytes()).decode()
    chart = v4.new_output("execute_result", {"image/png": png})
    table = v4.new_output("execute_result", {"text/html": "<table><td>7</td></table>"})
    said = f"Warning: it ends here.\nTo send to a colleague: {root()}/report.html\n"
    last = v4.new_output("stream", name="stdout", text=said)
    cells = [
        v4.new_markdown_cell("# 40 · Does it work?\n\nWe try."),
        v4.new_markdown_cell("## Parameters\n\nSet them."),
        v4.new_code_cell(
            f'run_folder = "{root()}"', metadata={"tags": ["injected-parameters"]}
        ),
        v4.new_code_cell("secret_of_the_code = 1", outputs=[*bar, chart, table]),
        v4.new_markdown_cell("## What it means\n\nIt `works`."),
        v4.new_code_cell("", outputs=[last]),
    ]
    nbformat.write(v4.new_notebook(cells=cells), folder / "40_million.ipynb")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    copied = tmp_path_factory.mktemp("results") / PUBLISHED.name
    shutil.copytree(PUBLISHED, copied)
    return copied


@pytest.fixture(scope="module")
def page(folder):
    """The page of the published million, with no executed notebook."""
    return write_report(folder).read_text()


@pytest.fixture(scope="module")
def with_notebook(folder, page):
    assert page
    executed(folder)
    return write_report(folder).read_text()


def test_a_page_is_small_and_fetches_nothing(page, with_notebook):
    for text in (page, with_notebook):
        assert len(text) < MOST_BYTES
        assert not attributes_in(text, "script", "iframe", "object")
        assert not re.search(r"@import|url\((?!#)", text)
        for attributes in attributes_in(text):
            for name in ("src", "href", "xlink:href", "srcset"):
                assert (attributes.get(name) or "#").startswith(("#", "data:"))


def test_every_chart_has_a_text_for_those_who_do_not_see_it(page):
    pictures = attributes_in(page, "img") + [
        one for one in attributes_in(page, "svg") if one.get("role") == "img"
    ]

    assert len(pictures) == len(list(PUBLISHED.glob("*.png")))
    assert all(one.get("alt") or one.get("aria-label") for one in pictures)


def test_verdict_figures_settings_and_the_way_to_repeat_are_there(page):
    text = re.sub(r"<[^>]+>", "", page)

    assert text.index("inside the 60 s goal") < text.index("Charts")
    for said in (
        "Can a million files be downloaded in under 60 seconds?",
        "1,000,000 of 1,000,000",
        "49.7 s",
        "2 × AMD EPYC, 24 GiB, Linux",
        "local: this machine, not AWS",
        "python -m experiment 40_million -p timeout_s 300 -p tmp_mb 2048",
        "Nothing (local run). On AWS, with the times measured here: an estimated $0.04",
    ):
        assert said in text


def test_dollars_on_the_page_are_those_that_the_terminal_prints():
    """
    A small run's were $0.0000 there.
    """
    bought = {"what": "requests", "usd": 0.000_001_4}
    record = {"cost": {"usd": 0.000_04, "items": [bought]}, "pilot": {"usd": 0.002}}

    assert key_figures.cost_of(record) == (
        "$0.000040, by the time that Lambda billed; its pilots cost $0.0020 more",
        [("requests", "$0.0000014")],
    )


@pytest.mark.parametrize(
    ("origin_url", "repeated"),
    [
        ("http://127.0.0.1:43985", ""),
        ("https://o.example", " -p origin_url https://o.example"),
    ],
)
def test_a_cell_is_repeated_without_the_servers_that_ended_with_its_grid(
    origin_url, repeated
):
    settings = FanOutSettings(files=9_000, origin_url=origin_url, tear_down=False)
    record = {"notebook": "20_fan_out", "settings": settings.to_dict()}

    said = f"python -m experiment 20_fan_out -p files 9000{repeated}"
    assert sorted(reproduction.command_of(record).split(" -p ")) == sorted(
        said.split(" -p ")
    )


FORECAST = {"low_s": 4.0, "median_s": 5.0, "high_s": 7.0, "measured_to_median": 1.2}
BESIDE_IT = (
    "It took {} s; the model's forecast was 5.0 s (4.0 s to 7.0 s). Measured over "
    "forecast: 1.20, {} the band"
)


@pytest.mark.parametrize(
    ("forecast", "wall_s", "said"),
    [
        (FORECAST, 6.0, BESIDE_IT.format(6.0, "inside")),
        (FORECAST, 8.0, BESIDE_IT.format(8.0, "outside")),
        ({"not_modelled": "local"}, 6.0, "Not modelled: local. The model is of Lambda"),
        ({}, 6.0, ""),
    ],
)
def test_what_the_model_had_forecast_stands_beside_what_was_measured(
    forecast, wall_s, said
):
    record = {"forecast": forecast, "totals": {"wall_s": wall_s}}

    assert key_figures.forecast_of(record).partition(" on AWS")[0] == said


def test_each_invocation_tells_its_figures_when_pointed_at(page):
    shards = pd.read_parquet(PUBLISHED / "shards.parquet")
    told = re.findall(r"<title>(Invocation [^<]+)</title>", page)

    assert {text.partition("\n")[0] for text in told} == {
        f"Invocation {number}" for number in range(1, len(shards) + 1)
    }
    assert all("50,000 files, 50,000 ok" in text for text in told)
    assert any("cold, starting" in text for text in told)


def test_the_executed_notebook_is_shown_with_its_code_folded(with_notebook):
    assert "<h1>Does it work?</h1>" in with_notebook
    assert "100 % done" in with_notebook
    assert "50 % done" not in with_notebook
    assert "Set them." not in with_notebook
    assert "<td>7</td>" in with_notebook
    (folded,) = re.findall(r"<details class=\"source\">.*?</details>", with_notebook)
    assert "secret_of_the_code" in folded
    assert "Warning: it ends here." in with_notebook
    assert str(root()) not in with_notebook
    # Its chart is the one to point at.
    assert "Invocation 20" in with_notebook
    assert not attributes_in(with_notebook, "img")


def notebook_that_says(said, **papermill):
    cells = [nbformat.v4.new_markdown_cell(f"# 20 · Does it work?\n\n{said}")]
    metadata = {"papermill": papermill} if papermill else {}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


@pytest.fixture
def run(tmp_path):
    run = open_run("20_fan_out", FanOutSettings(), tmp_path / "run", region="")
    yield run
    run.reports.close()


def page_from_kernel(run, monkeypatch, said):
    """Run the last cell in JupyterLab, which has opened what papermill once made."""
    opened = notebook_that_says(said, end_time="2026-11-29")
    monkeypatch.setattr(page_module, "notebook_here", lambda _: opened)
    page_of(run)
    return (run.folder / "report.html").read_text()


def test_the_last_cell_run_again_shows_the_notebook_again(run, monkeypatch):
    for said in ("as at first", "as it is now"):
        assert said in page_from_kernel(run, monkeypatch, said)

    assert [path.name for path in run.folder.glob("*.ipynb")] == ["20_fan_out.ipynb"]


@pytest.mark.parametrize("end_time", [None, "2026-11-28"])
def test_a_notebook_of_papermill_stays_and_once_that_has_ended_has_one_beside_it(
    run, monkeypatch, end_time
):
    path = run.folder / "20_fan_out.ipynb"
    nbformat.write(notebook_that_says("papermill's", end_time=end_time), path)
    shown = page_from_kernel(run, monkeypatch, "ours")
    beside = [one.read_text() for one in run.folder.glob("20_fan_out-2.ipynb")]

    assert "ours" in shown
    assert "papermill's" in path.read_text()
    assert ["ours" in text for text in beside] == [True] * bool(end_time)


def test_a_stopped_run_has_a_page_without_a_verdict(folder, tmp_path):
    shutil.copy(folder / "run.json", tmp_path)
    record = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(record.replace('"verdict"', '"no_verdict"'))

    assert "This run has not ended" in write_report(tmp_path).read_text()


def test_one_page_shows_all_runs_and_leads_to_theirs(folder):
    write_report(folder)
    (folder.parent / "torn").mkdir()
    (folder.parent / "torn" / "run.json").write_text("{")
    text = write_overview(folder.parent).read_text()

    assert "<h1>1 run, the newest first</h1>" in text
    assert f'href="{folder.name}/report.html"' in text
    assert "data:image/webp" in text
    assert "inside the 60 s goal" in text


def test_a_run_that_no_notebook_made_has_no_page_and_none_is_promised(
    folder, tmp_path, capsys
):
    record = (folder / "run.json").read_text()
    for name in ("40_million", "bench"):
        (tmp_path / name).mkdir()
        text = record.replace('"40_million"', f'"{name}"')
        (tmp_path / name / "run.json").write_text(text)
    overview = write_overview(tmp_path).read_text()

    assert "experiment report results/40_million</code>" in overview
    assert "experiment report results/bench" not in overview
    assert main(["report", str(tmp_path / "bench")]) == 2
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no run.json" in capsys.readouterr().err


def test_the_command_draws_a_run_again_without_deploying(folder, capsys):
    (folder / "outcomes.png").unlink()

    assert main(["show", str(folder)]) == 0
    said = capsys.readouterr().out
    assert f"report   {folder / 'report.html'}" in said
    assert "verdict  On this machine, at concurrency 2" in said
    assert (folder / "outcomes.png").exists()


def test_a_notebook_shows_a_run_instead_of_measuring(folder, capsys):
    show_run("")  # as the default is
    with pytest.raises(RunShown, match="Nothing was deployed") as shown:
        show_run(str(folder))

    (line,) = shown.value._render_traceback_()
    assert line.startswith(f"Shown: {folder / 'report.html'} is this run as a page")
    assert "1,000,000 of 1,000,000" in capsys.readouterr().out
