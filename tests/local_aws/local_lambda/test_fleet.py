"""The environments of one version, when it takes no more work."""

import asyncio
import json

from tests.support.lambda_functions import GATE

from local_aws.local_lambda.runtime.invocation import Execution, Request


def test_what_is_submitted_again_to_a_retired_version_meets_no_environment_being_killed(
    aws, deploy, busy, shared_folder
):
    """As when an init took too long while the function was changed."""
    function = deploy(GATE, Timeout=30)
    done = shared_folder / "done"
    done.touch()
    event = json.dumps(str(done)).encode()
    (fleet,) = (
        found.latest.fleet
        for found in aws._lambda._registry.functions_in("us-east-1")
        if found.reference.name == function
    )

    async def retire_and_submit_again():
        fleet.retire()
        fleet._resubmit(execution := Execution(Request("r", "arn", event)))
        return await execution.answer

    with busy(function) as running:
        idle, _ = function(str(done))
        submitted = asyncio.run_coroutine_threadsafe(
            retire_and_submit_again(), aws.loop
        )
        result = submitted.result(20)
    pid, error = running.result()

    assert (result.error_type, error) == (None, None)
    assert json.loads(result.payload) not in {idle, pid}
