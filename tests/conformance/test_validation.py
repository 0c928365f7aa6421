"""What Lambda refuses of a deployment, and in which words."""

import pytest
from tests.support.lambda_api import ECHO, refused, request_for, zipped

EXCEPTIONS = "LocalStack test_create_lambda_exceptions, recorded 2026-01"
SIZES = "LocalStack TestLambdaSizeLimits, recorded 2024-04"
MODEL = "botocore lambda/2015-03-31 and AWS docs gettingstarted-limits"

INVALID = (400, "InvalidParameterValueException")
VALIDATION = (400, "ValidationException")


def breaks(value, member, constraint):
    """Spell a value that breaks a constraint as Lambda does."""
    return (
        *VALIDATION,
        (
            f"1 validation error detected: Value '{value}' at '{member}' failed to "
            f"satisfy constraint: {constraint}"
        ),
    )


@pytest.mark.fact(EXCEPTIONS)
def test_a_role_is_an_arn(refusal_of):
    pattern = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"

    assert refusal_of(Role="r1") == breaks(
        "r1", "role", f"Member must satisfy regular expression pattern: {pattern}"
    )


@pytest.mark.fact(EXCEPTIONS)
def test_a_runtime_is_one_of_lambdas(refusal_of):
    status, code, message = refusal_of(Runtime="python9")

    assert (status, code) == INVALID
    assert message.startswith(
        "Value python9 at 'runtime' failed to satisfy constraint: Member must satisfy "
        "enum value set: ["
    )
    assert "python3.13" in message
    assert message.endswith("] or be a valid ARN")


@pytest.mark.fact(
    "LocalStack test_create_deprecated_function_runtime_with_validation_enabled, "
    "recorded 2024-06"
)
def test_a_retired_runtime_is_refused(refusal_of):
    status, code, message = refusal_of(Runtime="python3.7")

    assert (status, code) == INVALID
    assert message.startswith(
        "The runtime parameter of python3.7 is no longer supported for creating or "
        "updating AWS Lambda functions. We recommend you use the new runtime (python3."
    )


@pytest.mark.fact("LocalStack's validate_function_name: what is only CreateFunction's")
def test_a_name_has_64_characters_at_most(refusal_of):
    name = "n" * 65

    assert refusal_of(FunctionName=name) == (
        *INVALID,
        (
            f"1 validation error detected: Value '{name}' at 'functionName' failed to "
            "satisfy constraint: Member must have length less than or equal to 64"
        ),
    )


@pytest.mark.fact("LocalStack test_function_name_and_qualifier_validation")
@pytest.mark.parametrize("name", ["a b", "a/b", "a:b:c"])
def test_a_name_has_few_kinds_of_characters(refusal_of, name):
    status, code, message = refusal_of(FunctionName=name)

    assert (status, code) == VALIDATION
    assert message.startswith(
        f"1 validation error detected: Value '{name}' at 'functionName' failed to "
        "satisfy constraint: Member must satisfy regular expression pattern: (arn:"
    )


@pytest.mark.fact(f"{MODEL}: Handler")
@pytest.mark.parametrize(
    ("handler", "constraint"),
    [
        ("a b", r"Member must satisfy regular expression pattern: [^\s]+"),
        ("h" * 129, "Member must have length less than or equal to 128"),
    ],
)
def test_a_handler_is_short_and_without_blanks(refusal_of, handler, constraint):
    assert refusal_of(Handler=handler) == breaks(handler, "handler", constraint)


@pytest.mark.fact(f"{MODEL}: Timeout, MemorySize, EphemeralStorage, Description")
@pytest.mark.parametrize(
    ("member", "setting", "value", "constraint"),
    [
        ("timeout", "Timeout", 0, "value greater than or equal to 1"),
        ("timeout", "Timeout", 901, "value less than or equal to 900"),
        ("memorySize", "MemorySize", 127, "value greater than or equal to 128"),
        ("memorySize", "MemorySize", 10_241, "value less than or equal to 10240"),
        (
            "description",
            "Description",
            "d" * 257,
            "length less than or equal to 256",
        ),
    ],
)
def test_settings_have_limits(refusal_of, member, setting, value, constraint):
    assert refusal_of(**{setting: value}) == breaks(
        value, member, f"Member must have {constraint}"
    )


@pytest.mark.fact(f"{MODEL}: EphemeralStorage")
@pytest.mark.parametrize(
    ("size", "constraint"),
    [
        (511, "greater than or equal to 512"),
        (10_241, "less than or equal to 10240"),
    ],
)
def test_ephemeral_storage_has_limits(refusal_of, size, constraint):
    assert refusal_of(EphemeralStorage={"Size": size}) == breaks(
        size, "ephemeralStorage.size", f"Member must have value {constraint}"
    )


@pytest.mark.fact("LocalStack's create_function, from test_create_lambda_exceptions")
@pytest.mark.parametrize(
    ("architectures", "constraint"),
    [
        (
            ["x86_64", "arm64"],
            "Member must have length less than or equal to 1",
        ),
        (
            ["risc"],
            (
                "Member must satisfy constraint: [Member must satisfy enum value set: "
                "[x86_64, arm64], Member must not be null]"
            ),
        ),
    ],
)
def test_there_is_one_architecture(refusal_of, architectures, constraint):
    shown = f"[{', '.join(architectures)}]"

    assert refusal_of(Architectures=architectures) == breaks(
        shown, "architectures", constraint
    )


@pytest.mark.fact(
    "LocalStack's untag_resource: the text; botocore lambda/2015-03-31: the Role"
)
def test_what_is_required_must_not_be_null(unchecked_client):
    request = request_for("conformance-never-made", ECHO)
    del request["Role"]

    assert refused(unchecked_client.create_function, **request) == (
        *VALIDATION,
        (
            "1 validation error detected: Value null at 'role' failed to satisfy "
            "constraint: Member must not be null"
        ),
    )


# Environment


@pytest.mark.fact(SIZES)
def test_variables_have_4_kb_at_most(refusal_of, lambda_client, deploy):
    fits = {"KEY": "x" * (4096 - len('{"KEY":""}'))}
    name = deploy(ECHO, Environment={"Variables": fits})
    shown = lambda_client.get_function_configuration(FunctionName=name)
    status, code, message = refusal_of(
        Environment={"Variables": {"KEY": fits["KEY"] + "x"}}
    )

    assert shown["Environment"]["Variables"] == fits
    assert (status, code) == INVALID
    assert message.startswith(
        "Lambda was unable to configure your environment variables because the "
        "environment variables you have provided exceeded the 4KB limit. String "
        'measured: {"KEY":"xxx'
    )


@pytest.mark.fact("mattermost/mattermost-cloud-monitoring#264: the text")
def test_lambdas_own_variables_cannot_be_set(refusal_of):
    assert refusal_of(Environment={"Variables": {"AWS_REGION": "x"}}) == (
        *INVALID,
        (
            "Lambda was unable to configure your environment variables because the "
            "environment variables you have provided contains reserved keys that are "
            "currently not supported for modification. Reserved keys used in this "
            "request: AWS_REGION"
        ),
    )


@pytest.mark.fact("trek10inc/serverless-secrets#39, aws-amplify/amplify-backend#2290")
@pytest.mark.parametrize("key", ["a", "a-b", "1a"])
def test_a_variable_has_a_plain_name_of_two_characters(refusal_of, key):
    assert refusal_of(Environment={"Variables": {key: "secret"}}) == (
        *VALIDATION,
        (
            "1 validation error detected: Value at 'environment.variables' failed to "
            "satisfy constraint: Map keys must satisfy constraint: [Member must "
            "satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
        ),
    )


# Changes


@pytest.mark.fact(
    "LocalStack test_function_revisions_basic, validated against AWS; "
    "test_publish_with_wrong_revisionid, recorded 2022-09: the text"
)
@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ("update_function_code", {"ZipFile": zipped({"app.py": ECHO})}),
        ("update_function_configuration", {"Timeout": 9}),
    ],
)
def test_what_the_caller_has_not_seen_is_not_changed(
    lambda_client, deploy, operation, change
):
    name = deploy(ECHO)
    update = getattr(lambda_client, operation)
    refusal = refused(update, FunctionName=name, RevisionId="another", **change)
    seen = lambda_client.get_function_configuration(FunctionName=name)["RevisionId"]
    changed = update(FunctionName=name, RevisionId=seen, **change)

    assert refusal == (
        412,
        "PreconditionFailedException",
        (
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id"
        ),
    )
    assert changed["LastUpdateStatus"] == "InProgress"
