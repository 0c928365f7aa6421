"""What the worker's CPU goes into, measured on a real origin."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from experiment.parameters.fan_out import FanOutSettings
from experiment.run import cpu_layer_benchmark
from experiment.run.cpu_layer_benchmark import (
    CLIENT,
    ENGINE,
    LIBCURL,
    SINK,
    cpu_costs,
    floor,
    layers,
    missing_tool,
)
from fetcher.sinks.temporary_directory import Scratch
from fetcher.transfer.scheduler import engine_for
from origin.nginx import Nginx, is_installed

needs_nginx = pytest.mark.skipif(not is_installed(), reason="nginx is not installed")


@needs_nginx
def test_every_layer_costs_something_and_the_floor_is_what_origin_and_wrk_take():
    with Nginx([1_000]) as nginx:
        template = nginx.template(1_000)
        cost = layers(template, files=2_000, connections=10)
        least = floor(template.format(number=0), connections=10)

    assert (cost >= 0).all()
    assert (cost[[LIBCURL, ENGINE]] > 0).all()
    if shutil.which("wrk"):
        assert set(least.index) == {"origin", CLIENT}
        assert (least > 0).all()


def test_files_are_written_to_memory_as_in_an_execution(
    monkeypatch, tmp_path, endpoint
):
    folders = []

    class Watched(Scratch):
        def __init__(self):
            super().__init__()
            folders.append(self._folder.parent)

    monkeypatch.setattr(cpu_layer_benchmark, "Scratch", Watched)
    monkeypatch.setattr(cpu_layer_benchmark, "_IN_MEMORY", tmp_path)
    layers(f"{endpoint.origin_url}/1000/{{number}}.jpg", files=8, connections=2)

    assert folders == [tmp_path]


def test_an_origin_that_does_not_answer_is_an_error(silent_url):
    with pytest.raises(ConnectionError):
        layers(f"{silent_url}/{{number}}", files=1, connections=1)


def test_the_worker_alone_is_measured_with_the_engine_and_sink_of_the_run(
    monkeypatch, tmp_path, endpoint
):
    engines, there = [], f"{endpoint.origin_url}/1000/{{number}}.jpg"
    monkeypatch.setenv("PATH", str(tmp_path))  # no wrk
    monkeypatch.setattr(
        cpu_layer_benchmark,
        "engine_for",
        lambda options: engines.append(options.engine) or engine_for(options),
    )
    session = SimpleNamespace(
        nginx=object(), target=SimpleNamespace(name="local"), template=lambda _: there
    )
    discards = FanOutSettings(files=8, engine="aiohttp", sink="discard")
    in_s3 = replace(discards, sink="s3-tar", sink_path="s3://photos/kept")

    (cost,) = cpu_costs(session, discards).values()

    assert engines == ["aiohttp"]
    assert cost[SINK] == 0
    assert cpu_costs(session, in_s3) == {}
    session.nginx = None  # files come from elsewhere
    assert cpu_costs(session, discards) == {}


def test_without_wrk_it_is_said_what_the_chart_lacks(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    said = missing_tool(SimpleNamespace(nginx=object()))

    assert said == "wrk is not installed: the chart of CPU shows no floor"
    assert missing_tool(SimpleNamespace(nginx=None)) == ""
