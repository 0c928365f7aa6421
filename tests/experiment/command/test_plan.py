"""`python -m experiment plan`: a forecast on the command line."""

import subprocess
import sys

import pytest

from aws_facts.fleet_constants import constants
from aws_facts.limits import limits
from aws_facts.prices import prices
from experiment.__main__ import main
from experiment.fleet.forecast_questions import question_of
from experiment.parameters.fan_out import FanOutSettings
from experiment.parameters.project_root import root

ORIGINAL = root() / "notebooks" / "settings" / "40_million-original-aws.yaml"


def test_a_settings_file_is_forecast_without_an_account(capsys):
    assert main(["plan", "-f", str(ORIGINAL), "-p", "concurrency", "500"]) == 0

    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == [
        *("asked", "time", "dollars"),
        *("inside 60.0 s", "bottleneck"),
    ]
    assert said[1].endswith("forecast for AWS by a model, not measured")
    assert said[2].startswith("dollars: $")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["-p", "filez", "3"], "Did you mean 'files'?"),
        (["-p", "files", "[1"], "not YAML"),
        (["-f", "nowhere.yaml"], "cannot be read"),
        (["-p", "url_list", "nowhere.txt"], "nowhere.txt"),
        (["-f", str(ORIGINAL), "-p", "files", "0"], "Set files for a forecast"),
        (["-p", "sizes_kb", "[0]"], "at least 1"),
    ],
)
def test_what_cannot_be_forecast_is_refused(given, why, capsys):
    assert main(["plan", *given]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    "given", [["-p", "files", "9000", "-p", "concurrency", "9"], ["-f", str(ORIGINAL)]]
)
def test_a_deadline_that_is_the_default_changes_no_answer(given, capsys):
    answers = []
    for further in ([], ["-p", "deadline_s", "60"]):
        assert main(["plan", *given, *further]) == 0
        answers.append(capsys.readouterr().out)

    assert answers[0] == answers[1]


@pytest.mark.parametrize("further", [[], ["-p", "sample", "5"]])
def test_the_list_of_a_settings_file_is_forecast_by_its_own_length(
    tmp_path, further, capsys
):
    """
    What is taken for granted about it is said.
    """
    urls, settings = tmp_path / "urls.csv", tmp_path / "settings.yaml"
    urls.write_text("url,bytes\nhttp://h/1,1000\nhttp://h/2,1000\n")
    settings.write_text(f"url_list: {urls}\nconcurrency: 2\n")

    assert main(["plan", "-f", str(settings), *further]) == 0
    assert capsys.readouterr().out.splitlines()[1] == (
        "asked: 2 files of 1 kB from the internet; assumed: no limit of the origin, as "
        "quick as S3"
    )


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({}, ""),
        ({"AWS_PROFILE": "lab"}, "eu-west-3"),
        ({"AWS_PROFILE": "lab", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "us-east-2", "AWS_DEFAULT_REGION": "eu-west-1"}, "us-east-2"),
        ({"AWS_PROFILE": "unknown"}, ""),
    ],
)
def test_the_region_asked_about_is_the_one_a_run_would_be_in(
    monkeypatch, tmp_path, variables, region
):
    config = tmp_path / "config"
    config.write_text("[profile lab]\nregion = eu-west-3\n")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"AWS_CONFIG_FILE": str(config)} | variables).items():
        monkeypatch.setenv(name, value)

    assert question_of(FanOutSettings(files=8)).region == region


def test_every_number_leads_to_its_source_by_one_command(capsys):
    assert main(["plan", "--sources"]) == 0
    said = capsys.readouterr().out.splitlines()

    numbers = {**constants(), **limits(), **prices()}
    assert [line.split(" = ")[0] for line in said] == list(numbers)
    for line, one in zip(said, numbers.values(), strict=True):
        assert line.endswith(f"{one.seen:%d %b %Y}): {one.source}")
    assert main(["plan", "--sources", "tail_5 "]) == 0
    assert capsys.readouterr().out.startswith("tail_5 = 0.017, exact (recorded, ")
    assert main(["plan", "--sources", "folklore"]) == 2


def test_a_plan_loads_no_tables_and_no_notebooks():
    """
    They would take longer than the forecast itself.
    """
    slow = {"pandas", "papermill", "matplotlib", "IPython"}
    code = f"import sys, experiment.command.plan; print({slow} & set(sys.modules))"
    said = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert said == "set()\n"
