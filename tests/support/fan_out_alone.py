"""
A fan-out in a process of its own, as notebooks make it: to be measured, or killed.

Arguments: the settings as JSON, and the address of a `report_stub` if one is to stand
for Lambda. The last line tells when planning began, how much of the processor time had
passed when the first call was made, that time in microseconds a file, and the most
memory ever held.
"""

import asyncio
import json
import sys
import time
from types import SimpleNamespace
from unittest import mock

from botocore.credentials import ReadOnlyCredentials

from experiment.ledger.run_folder import open_run
from experiment.parameters.fan_out import FanOutSettings
from experiment.plan.run_plan import make_plan
from experiment.run.fan_out import fan_out
from experiment.session import open_session
from experiment.tables.run_result import result_of
from fetcher.process.memory import peak_rss_bytes
from rollout.deploy.deployment import deploy
from rollout.invoke.invoker import Invoker


def stub_session(url):
    target = SimpleNamespace(
        lambda_url=url,
        region="us-east-1",
        credentials=lambda: ReadOnlyCredentials("local", "local", None),
        proxy=None,
        ca_file=None,
        runs_here=False,
        check_alive=lambda _: None,
        allow_private=True,
    )
    return SimpleNamespace(
        target=target, template=lambda _: "http://h/{number}.jpg", close=lambda: None
    )


def first_call_noted(at):
    """Note the processor time at which the first call is made."""
    invoke = Invoker.invoke

    def noted(*args, **options):
        at.append(time.process_time())
        return invoke(*args, **options)

    return mock.patch.object(Invoker, "invoke", noted)


def main(settings, stub=""):
    settings = FanOutSettings(**json.loads(settings))
    session = stub_session(stub) if stub else open_session(settings)
    began_at, cpu_before_s = time.time(), time.process_time()
    plan = make_plan("20_fan_out", settings, session)
    if not stub:
        deploy(session.target, settings.worker())
    run = open_run("20_fan_out", settings, plan.folder, region="here")
    called_at = []
    with first_call_noted(called_at):
        asyncio.run(fan_out(plan, session.target, run))
    cpu_between_s, peak = time.process_time(), peak_rss_bytes()
    result = result_of(run, plan)
    run.close(verdict="")
    cpu_after_s = time.process_time()
    session.close()
    told = {
        "cpu_before_first_call": (called_at[0] - cpu_before_s)
        / (cpu_between_s - cpu_before_s),
        "fan_out_us": (cpu_between_s - cpu_before_s) / plan.count() * 1e6,
        "result_us": (cpu_after_s - cpu_between_s) / plan.count() * 1e6,
        "began_at": began_at,
        "fan_out_peak_bytes": peak,
        "peak_bytes": peak_rss_bytes(),
        "counts": result.counts,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
