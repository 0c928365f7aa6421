"""Constants measured by runs: from tables of known truth, and on the local target."""

import datetime as dt
import re
from dataclasses import replace
from itertools import islice

import numpy as np
import pandas as pd
import pytest
from tests.support import wheelhouse
from tests.support.aws_target import (
    NAME,
    POLICY,
    POLICY_OF_CHECK,
    actions_of,
    aws_in_place,
)

from aws_facts import fleet_constants
from aws_facts.fleet_constants import OURS, constant
from experiment.__main__ import main
from experiment.command import calibrate
from experiment.fleet.calibration import estimators, file
from experiment.fleet.calibration.estimators import Figure
from experiment.fleet.calibration.probes import LARGE, SIZES_KB
from experiment.fleet.forecast import forecast
from experiment.fleet.model.shard_time import bucket_of
from experiment.fleet.question import Question
from experiment.fleet.sentences import calibration_in_words, plan_in_words
from rollout.deploy.deployment import FunctionSpec, deploy, destroy, status
from rollout.target.runtime_platform import machine

MB = 1e6
BURST, BASE, CREDIT = 300 * MB, 70 * MB, 230 * MB


@pytest.fixture
def calibration(monkeypatch, tmp_path):
    """A calibration file of this test's own, which the model reads."""
    path = tmp_path / "calibration.toml"
    monkeypatch.setattr(fleet_constants, "CALIBRATION", path)
    fleet_constants.constants.cache_clear()
    yield path
    monkeypatch.undo()
    fleet_constants.constants.cache_clear()


TAIL = '[tail_adds]\nkind = "ours"\nvalue = 0.5\nseen = 2026-11-29\n'
WHERE = 'region = "eu-west-3"\narchitecture = "arm64"'


def kept(name, figure, source="here"):
    figure = figure._replace(architecture="arm64")
    file.write({name: figure}, region="eu-west-3", source=source)


def through_a_bucket(files, connections=20, size=1.7 * MB):
    """Files that share a line with a credit, as a table of downloads has them."""
    drained_s = CREDIT / (BURST - BASE)

    def when(came):
        fast = BURST * drained_s
        return came / BURST if came < fast else drained_s + (came - fast) / BASE

    rows = []
    for first in range(0, files, connections):  # they share it, and so end together
        begin, end = when(first * size), when((first + connections) * size)
        rows += [(100.0 + begin, end - begin, size)] * connections
    return pd.DataFrame(rows, columns=["started_at", "seconds", "body_bytes"])


def test_burst_base_and_credit_of_a_line_are_found_where_it_has_and_shows_them():
    downloads = through_a_bucket(700)
    busy_s = 700 * 1.7 * MB / BASE

    def found(cpu_s, came=downloads):
        return estimators.bandwidth(came, pd.DataFrame({"cpu_s": [cpu_s]}), 1.0)

    idle, late = found(1.0), found(1.0, downloads[downloads["started_at"] > 103.0])
    for one in (idle, late, found(busy_s / 3.5)):
        assert one["base_bytes_per_s"].value == pytest.approx(BASE, rel=0.03)
    assert idle["burst_bytes_per_s"].value == pytest.approx(BURST, rel=0.1)
    assert idle["credit_bytes"].value == pytest.approx(CREDIT, rel=0.15)
    assert late["credit_bytes"] == "it began with no burst"
    assert "the processor took in no more" in found(busy_s / 3.5)["burst_bytes_per_s"]
    assert set(found(busy_s).values()) == {"the processor was busy all the time"}


def test_a_tail_as_heavy_as_the_recorded_one_is_one():
    """
    Drawn from the model itself, a hundred executions at a time.
    """
    random = np.random.default_rng(3)
    scales = []
    for _ in range(200):
        longer = estimators.excess((1, 100), estimators.likeliest(), random)[0]
        shards = pd.DataFrame({"downloading_at": np.zeros(100)})
        shards["downloaded_at"] = 2.0 * (1 + longer)
        scales.append(estimators.tail_scale(shards).value)

    assert np.mean(scales) == pytest.approx(1.0, rel=0.2)
    few = pd.DataFrame({"downloading_at": [0.0], "downloaded_at": [1.0]})
    assert "20 are needed" in estimators.tail_scale(few)


def test_cold_starts_and_first_bytes_are_told_from_the_rest():
    shards = pd.DataFrame({"cold": [1, 1, 0, 0], "invoked_at": 0.0})
    shards["started_at"] = [0.5, 0.6, 0.1, 0.1]
    assert estimators.cold_start(shards)[:3] == pytest.approx((0.45, 0.225, 0.9))
    assert "not both" in estimators.cold_start(shards[shards["cold"] == 1])

    waits = pd.DataFrame({"started_at": range(101), "seconds": 0.03})
    waits.loc[0, "seconds"] = 0.2  # it connects
    assert estimators.first_byte(waits)[:3] == pytest.approx((0.03, 0.03, 0.03))


@pytest.mark.usefixtures("calibration")
def test_what_was_measured_comes_before_what_others_published():
    before = forecast(Question(concurrency=50), 60).time
    kept("arm64_slowdown", Figure(1.2, 1.19, 1.21), source="here")
    kept("tail_scale", Figure(0.1, 0.05, 0.2), source="there")

    one = constant("arm64_slowdown")
    assert (one.value, one.kind, one.source) == (1.2, OURS, "here")
    assert abs(dt.datetime.now(dt.UTC).date() - one.seen) <= dt.timedelta(days=1)
    assert constant("tail_scale").source == "there"
    after = forecast(Question(concurrency=50), 60).time
    assert after.high - after.low < before.high - before.low


@pytest.mark.usefixtures("calibration")
def test_each_memory_has_the_line_that_was_measured_there():
    made = {
        memory_mb: Figure(base, 0.95 * base, 1.05 * base)
        for memory_mb, base in ((3_008, 120 * MB), (1_024, 60 * MB), (2_048, 80 * MB))
    }
    kept("base_bytes_per_s", estimators.by_memory(made))
    one = constant("base_bytes_per_s")

    def base_at(memory_mb, **known):
        question = Question(memory_mb=memory_mb, **known)
        return bucket_of(question, estimators.likeliest()).base[0, 0]

    assert (one.low, one.high) == (76 * MB, 84 * MB)  # memories are no matter of chance
    for memory_mb, figure in made.items():
        assert base_at(memory_mb) == pytest.approx(figure.value)
    assert base_at(1_536) == pytest.approx(70 * MB)
    assert base_at(128) == base_at(1_024)
    # 903 Mbit/s at 3,008 MB, raised from 625, is less than was measured there.
    assert base_at(3_008, bandwidth_raised=True) == base_at(3_008)
    assert base_at(10_240, bandwidth_raised=True) == pytest.approx(80 * MB * 4.8)


@pytest.mark.parametrize(
    ("asked", "days", "doubt"),
    [
        ({"region": "eu-west-3"}, 90, None),
        ({"region": "eu-west-3"}, 91, "more than 90 days ago"),
        ({"region": "us-east-1"}, 1, "the question is about us-east-1"),
        ({}, 1, "the question names no region"),
        ({"region": "eu-west-3", "architecture": "x86_64"}, 1, "is about x86_64"),
    ],
)
def test_a_forecast_says_what_was_measured_elsewhere_or_long_ago(
    calibration, asked, days, doubt
):
    assert not list(calibration_in_words(Question()))
    kept("tail_scale", Figure(0.1, 0.05, 0.2))
    kept("arm64_slowdown", Figure(1.2, 1.1, 1.3))
    question = Question(**asked)
    day = constant("tail_scale").seen + dt.timedelta(days=days)
    (said,) = calibration_in_words(question, day)

    assert said.startswith("measured in eu-west-3 on arm64, ")
    assert ("arm64_slowdown" in said) == (question.architecture == "arm64")
    assert (doubt in said) if doubt else ("although" not in said)
    _asked, measured = islice(plan_in_words(question, 60), 2)
    assert measured.startswith("measured in eu-west-3")
    assert calibration.is_file()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[arm64_speed]\nvalue = 1", "arm64_speed, which is no constant"),
        (f"{TAIL}{WHERE}", "no source"),
        (f'{TAIL}source = "here"', "no region"),
        (f'{TAIL}source = "here"\n{WHERE}'.replace("2026", "3026"), "a day to come"),
        (f'{TAIL}source = "here"\nmemories_mb = [9]\n{WHERE}', "other memories"),
    ],
)
def test_a_calibration_that_nobody_could_trace_is_refused(calibration, text, why):
    calibration.write_text(text)

    with pytest.raises(ValueError, match=why):
        fleet_constants.constants()


def test_nothing_is_written_of_a_figure_that_makes_no_sense(calibration):
    with pytest.raises(ValueError, match="has no source"):
        kept("tail_scale", Figure(1.0, 0.5, 2.0), source=" ")
    assert not calibration.exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["--memory-mb", "64"], "`memory_mb` is 64"),
        (["--executions", "0"], "files is 0|concurrency is 0"),
        (["--folder", "used"], "already holds a run"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_made(
    monkeypatch, tmp_path, capsys, given, why
):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "run.json").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibrate, "open_session", lambda _: pytest.fail("asked AWS"))

    assert calibrate.run(given) == 2
    assert re.search(why, capsys.readouterr().err)


def test_a_function_that_was_there_before_is_neither_changed_nor_removed(
    endpoint, target, monkeypatch, capsys, code
):
    """
    Nor is anything else made: the name is looked at first.
    """
    spec = FunctionSpec(name=NAME, architecture=machine().architecture)
    before = replace(deploy(target, spec, code=code), changes=())
    try:
        with aws_in_place(endpoint.endpoint_url, monkeypatch) as gate:
            assert calibrate.run(["--function", NAME]) == 2
        assert f"exist already: function {NAME}, log group" in capsys.readouterr().err
        assert status(target, NAME) == before
        assert not {"s3:CreateBucket", "s3:PutObject"} & gate.actions
    finally:
        destroy(target, NAME)


def test_every_probe_runs_and_says_what_it_can_and_cannot_tell(
    endpoint, monkeypatch, capsys, calibration, tmp_path, wheels_folder
):
    """
    In its form only: this machine has no vCPU of AWS's, and no line that is capped.
    """
    both = {"Statement": [*POLICY["Statement"], *POLICY_OF_CHECK["Statement"]]}
    given = ["--architecture", machine().architecture, "--files", "4"]
    more = ["--executions", "2", "--folder", str(tmp_path / "runs")]
    more += ["--allow-private", "--memory-mb", "1769"]
    wheelhouse.offer_for_this_machine(monkeypatch, wheels_folder)
    monkeypatch.setitem(SIZES_KB, LARGE, 500)
    with aws_in_place(endpoint.endpoint_url, monkeypatch, both) as gate:
        assert main(["calibrate", *given, *more]) == 0
    said = capsys.readouterr()

    assert said.out.count("measured ") == 4
    assert "unknown  tail_scale, tail: only 2 executions ran" in said.out
    assert f"{machine().architecture}_slowdown = " in said.out
    assert "is not AWS's own address" in said.out
    assert not calibration.exists()
    assert "left" not in said.err
    assert gate.actions <= set(actions_of(both))
    assert {"s3:CreateBucket", "s3:DeleteBucket"} < gate.actions
