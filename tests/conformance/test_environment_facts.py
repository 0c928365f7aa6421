"""The environment of a function: variables, folders, limits."""

import pytest

TELL = (
    "import os, resource, sys\n"
    "def run(event, context):\n"
    "    return {\n"
    "        'variables': dict(os.environ),\n"
    "        'folder': os.getcwd(), 'first_path': sys.path[0],\n"
    "        'files': resource.getrlimit(resource.RLIMIT_NOFILE),\n"
    "        'stack': resource.getrlimit(resource.RLIMIT_STACK)[0],\n"
    "        'group': context.log_group_name, 'stream': context.log_stream_name,\n"
    "    }\n"
)
RECORDED = (
    "LocalStack test_lambda_common test_introspection_invoke, recorded 2026-01; "
    "LocalStack test_lambda_init_environment, recorded 2026-02"
)


@pytest.fixture(scope="module")
def seen(deploy_for_all):
    greeting = {"Variables": {"GREETING": "grüezi"}}
    function = deploy_for_all(TELL, MemorySize=256, Environment=greeting)
    answer, error = function()
    assert error is None
    return answer | {"name": function}


@pytest.mark.fact(RECORDED)
def test_the_variables_say_what_runs_where_the_code_is(seen, lambda_client):
    region = lambda_client.meta.region_name
    variables = seen["variables"]

    assert (
        variables.items()
        >= {
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": seen["name"],
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": seen["group"],
            "AWS_LAMBDA_LOG_STREAM_NAME": seen["stream"],
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "LAMBDA_TASK_ROOT": seen["folder"],
            "LANG": "en_US.UTF-8",
            "LC_CTYPE": "C.UTF-8",
            "PWD": seen["folder"],
            "TZ": ":UTC",
            "_HANDLER": "app.run",
            "GREETING": "grüezi",
        }.items()
    )
    assert variables.keys() >= {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_LAMBDA_RUNTIME_API", "LAMBDA_RUNTIME_DIR", "LD_LIBRARY_PATH"),
        *("PATH", "_X_AMZN_TRACE_ID"),
    }
    assert "HOME" not in variables
    assert seen["first_path"] == seen["folder"]


@pytest.mark.fact(
    "LocalStack test_runtime_ulimits, recorded 2025-11; AWS docs gettingstarted-limits"
)
def test_it_may_have_1024_descriptors(seen):
    assert seen["files"] == [1024, 1024]
