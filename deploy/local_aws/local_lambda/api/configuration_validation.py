"""A function's configuration: merged from what callers pass, refused as AWS would."""

import json
from collections.abc import Mapping
from typing import Any

from aws_facts.limits import limit
from local_aws.local_lambda import errors
from local_aws.local_lambda.requests import service_model

DEFAULTS: dict[str, Any] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "EphemeralStorage": {"Size": 512},
    "Architectures": ["x86_64"],
    "PackageType": "Zip",
    "TracingConfig": {"Mode": "PassThrough"},
}

# They would change what runs, so ignoring them would be a lie.
_NOT_MODELLED = {
    *("PublishTo", "FileSystemConfigs", "ImageConfig", "TenancyConfig"),
    *("CapacityProviderConfig", "DurableConfig", "RuntimeConfig", "AcceleratorConfig"),
    *("CodeSigningConfigArn", "TenantId", "DurableExecutionName"),
}
_NO_SETTINGS = {
    *("FunctionName", "Code", "Tags", "Publish", "RevisionId", "DryRun", "SnapStart"),
    *_NOT_MODELLED,
}
# Lambda takes them neither for new functions nor for changes.
_RETIRED_RUNTIMES = {"python2.7", "python3.6", "python3.7"}
# From the documentation, "Working with Lambda environment variables".
_RESERVED_VARIABLES = {
    *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION"),
    *("AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"),
    *("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_INITIALIZATION_TYPE"),
    *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
}
_UNCONFIGURABLE = (
    "Lambda was unable to configure your environment variables because the environment "
    "variables you have provided "
)


def merged(before: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a configuration changed by a call.

    Raises:
        LambdaError: If AWS would refuse it, or the local Lambda cannot do it.
    """
    refuse_not_modelled(parameters)
    new = {key: value for key, value in parameters.items() if key not in _NO_SETTINGS}
    if "LoggingConfig" in new:
        new["LoggingConfig"] = before.get("LoggingConfig", {}) | new["LoggingConfig"]
    settings = {**before, **new}
    _check_runtime(settings)
    _check_variables(settings.get("Environment", {}).get("Variables", {}))
    return settings


def refuse_not_modelled(parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that AWS obeys and the local Lambda cannot."""
    for name in sorted(_NOT_MODELLED):
        if parameters.get(name):
            raise errors.not_modelled(name)
    details = {
        "PackageType Image": parameters.get("PackageType") == "Image",
        "LogFormat JSON": _of(parameters, "LoggingConfig", "LogFormat") == "JSON",
        "SnapStart": _of(parameters, "SnapStart", "ApplyOn") == "PublishedVersions",
        "DeadLetterConfig": _of(parameters, "DeadLetterConfig", "TargetArn"),
        "VpcConfig": _of(parameters, "VpcConfig", "SubnetIds"),
    }
    for what, is_asked in details.items():
        if is_asked:
            raise errors.not_modelled(what)


def _of(parameters: Mapping[str, Any], name: str, member: str) -> object:
    return parameters.get(name, {}).get(member)


def _check_runtime(settings: Mapping[str, Any]) -> None:
    runtime = settings.get("Runtime")
    if not runtime or not settings.get("Handler"):
        text = (
            "Runtime and Handler are mandatory parameters for functions created with "
            "deployment packages."
        )
        raise errors.invalid_parameter(text)
    if runtime in _RETIRED_RUNTIMES:
        text = (
            f"The runtime parameter of {runtime} is no longer supported for creating "
            "or updating AWS Lambda functions. We recommend you use the new runtime "
            "(python3.12) while creating or updating functions."
        )
        raise errors.invalid_parameter(text)
    if runtime not in service_model.runtimes():
        text = (
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must "
            f"satisfy enum value set: [{', '.join(service_model.runtimes())}] or be a "
            "valid ARN"
        )
        raise errors.invalid_parameter(text)
    if not runtime.startswith("python3"):
        what = f"Runtime {runtime} (only Python's are)"
        raise errors.not_modelled(what)


def _check_variables(variables: Mapping[str, str]) -> None:
    reserved = sorted(_RESERVED_VARIABLES & variables.keys())
    if reserved:
        text = (
            f"{_UNCONFIGURABLE}contains reserved keys that are currently not supported "
            f"for modification. Reserved keys used in this request: "
            f"{', '.join(reserved)}"
        )
        raise errors.invalid_parameter(text)
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > limit("environment_bytes").most:
        text = f"{_UNCONFIGURABLE}exceeded the 4KB limit. String measured: {measured}"
        raise errors.invalid_parameter(text)
