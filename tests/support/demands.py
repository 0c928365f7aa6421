"""Demands of a plan, for preflight to check."""

from dataclasses import fields, replace

from rollout.deploy.deployment import FunctionSpec
from rollout.preflight.demand import Demand, Execution, Invocation

SMALL = FunctionSpec(name="t-not-there", tmp_mb=2_000)
FINE = Demand(
    function=SMALL,
    concurrency=100,
    execution=Execution(connections=100, scratch_bytes=1_700_000_000),
    invocation=Invocation(request_bytes=1_000, report_bytes=100_000, deadline_s=290.0),
)


def demand(**changes):
    """Return a demand that can be met, but for these changes of any of its parts."""
    for part in ("function", "execution", "invocation"):
        given = getattr(FINE, part)
        names = {field.name for field in fields(given)} & changes.keys()
        changes[part] = replace(given, **{name: changes.pop(name) for name in names})
    return replace(FINE, **changes)
