"""Fan-outs over functions that do as their handler's name says."""

import asyncio
import io
import zipfile

import pytest

from experiment.ledger.ledger_file import read_invocations
from experiment.ledger.run_folder import open_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.run_plan import Plan
from experiment.run.fan_out import fan_out
from fetcher.contract.template_source import Template
from rollout.bundle import build
from rollout.deploy.deployment import FunctionSpec, deploy, destroy

# The worker itself, with a few shards of the first wave that do something else.
UNRELIABLE = """
import os, signal, time, urllib.error, urllib.request
from fetcher import handler

KILLED = [(0, 1), (1, 0)]  # before it hands back; with what was handed back

def download(event, context):
    if event["wave"] == 0:
        if event["index"] == 0:
            raise RuntimeError("no luck")
        if event["index"] == 1:
            os._exit(3)
        if event["index"] == 2:
            return {"schema": 2, "nothing": "else"}
        if event["index"] == 3:
            event["source"]["ranges"][0][1] -= 1
    return handler.download(event, context)

def never(event, context):
    raise RuntimeError("never any luck")

def text(event, context):
    return "not a report"

def better_later(event, context):
    if event["wave"] == 0:
        event["source"]["text"] += "?status=503&fault_every=2"
    return handler.download(event, context)

def silent_at_first(event, context):
    if event["wave"] == 0:
        event["source"]["text"] += "?stall=1&fault_every=10"
    return handler.download(event, context)

def killed_with_the_silent(event, context):
    report = silent_at_first(event, context)
    if (event["wave"], event["index"]) in KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    return report

def slow_once(event, context, seconds=4):
    if event["index"] == 5 and is_first(context.function_name):
        time.sleep(seconds)
    return handler.download(event, context)

def very_slow_once(event, context):
    return slow_once(event, context, 30)

def is_first(name):
    for _ in range(2):  # that often the origin answers 503
        try:
            urllib.request.urlopen(f"{HEALS}/{name}/0").close()
            return False
        except urllib.error.HTTPError:
            pass
    return True
"""


@pytest.fixture(scope="module")
def code(target, origin):
    """The worker's own zip, and the module above."""
    built = build.build(*target.machine_for("arm64"))
    buffer = io.BytesIO(built)
    with zipfile.ZipFile(buffer, "a") as archive:
        address = f"HEALS = {origin.url('/heals')!r}\n"
        archive.writestr("unreliable.py", address + UNRELIABLE)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def function_of(target, code):
    """
    Deploy a function with a handler and a timeout, once; return its name.
    """
    deployed = {}

    def function_of(handler, timeout_s):
        key = (handler, timeout_s)
        if key not in deployed:
            name = f"t-fan-out-{len(deployed)}"
            worker = FunctionSpec(name=name, handler=handler, timeout_s=timeout_s)
            deployed[key] = deploy(target, worker, code=code).name
        return deployed[key]

    yield function_of
    for name in deployed.values():
        destroy(target, name)


@pytest.fixture
def run_with(tmp_path, target, code, endpoint, function_of, function_name):
    """
    Fan out over a function with a handler, and return the plan and its ledger.

    The function is shared, unless a test has to have it `alone`.
    """

    def fanned_out(handler, *, query="", alone=False, **settings):
        timeout_s = FanOutSettings(**settings).timeout_s
        if alone:
            worker = FunctionSpec(
                name=function_name, handler=handler, timeout_s=timeout_s
            )
            function = deploy(target, worker, code=code).name
        else:
            function = function_of(handler, timeout_s) if handler else function_name
        settings = FanOutSettings(function=function, **settings)
        text = f"{endpoint.origin_url}/1000/{{number}}.jpg{query}"
        source = Template(text, ((0, settings.files),))
        plan = Plan(tmp_path / "run", settings, source, allow_private=True)
        run = open_run("20_fan_out", settings, plan.folder, region=target.region)
        try:
            asyncio.run(fan_out(plan, target, run))
        finally:
            run.close(verdict="")
        return plan, list(read_invocations(plan.folder))

    return fanned_out
