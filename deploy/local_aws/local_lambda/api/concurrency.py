"""Reserved concurrency and the account's limits, as callers configure and see them."""

from aws_facts.limits import limit
from local_aws.local_lambda import errors
from local_aws.local_lambda.functions.function import Function
from local_aws.local_lambda.functions.registry import Registry
from local_aws.local_lambda.requests.function_reference import reference_of
from local_aws.local_lambda.requests.service_model import Answer, Call


async def put(registry: Registry, call: Call) -> Answer:
    """PutFunctionConcurrency."""
    function = registry.function(call, names_version=True)
    reference_of(call).refuse_qualifier()
    requested = call.parameters["ReservedConcurrentExecutions"]
    admission = registry.admission
    unreserved = (
        admission.unreserved_concurrency + (function.runner.reserved or 0) - requested
    )
    least = min(limit("unreserved_concurrency").least, admission.account_concurrency)
    if requested and unreserved < least:
        text = (
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{least}]."
        )
        raise errors.invalid_parameter(text)
    admission.set_reserved(function.runner, requested)
    return describe(function)


async def get(registry: Registry, call: Call) -> Answer:
    """GetFunctionConcurrency."""
    return describe(registry.function(call))


async def delete(registry: Registry, call: Call) -> Answer:
    """DeleteFunctionConcurrency."""
    function = registry.function(call)
    reference_of(call).refuse_qualifier()
    registry.admission.set_reserved(function.runner, None)
    return {}


def describe(function: Function) -> Answer:
    """Return the concurrency a function has reserved, if any."""
    reserved = function.runner.reserved
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


async def account_settings(registry: Registry, call: Call) -> Answer:
    """GetAccountSettings: limits of the account, use of the region."""
    functions = registry.functions_in(call.region)
    sizes = [d.version.package.size for f in functions for d in f.version_states()]
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": limit("unzipped_bytes").most,
            "CodeSizeZipped": limit("zip_bytes").most,
            "ConcurrentExecutions": registry.admission.account_concurrency,
            "UnreservedConcurrentExecutions": registry.admission.unreserved_concurrency,
        },
        "AccountUsage": {"TotalCodeSize": sum(sizes), "FunctionCount": len(functions)},
    }
