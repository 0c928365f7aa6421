"""Refusals of Lambda, word for word: the calls of ``refusals.yaml``."""

import io
import re
import zipfile
from pathlib import Path

import pytest
import yaml
from tests.conformance.own_functions import create_function, own_names
from tests.support.lambda_api import ECHO, refused, request_for, zipped
from tests.support.lambda_permissions import permit, to_s3

from aws_facts import limits

SIZES = "LocalStack TestLambdaSizeLimits, recorded 2024-04"
NEW = "conformance-never-made"
# What calls have if the table says nothing else.
USUAL = {
    "create_function": request_for(NEW, ECHO, Role="<role>"),
    "add_permission": to_s3(),
}
VALUES = {
    "zip": zipped({"app.py": ECHO}),
    "empty zip": zipped({}),
    "deep": b"[" * 100_000,
    "50 tags": {f"key{number}": "" for number in range(50)},
}
TABLE = yaml.safe_load(Path(__file__).with_name("refusals.yaml").read_text())


def rows():
    for source, errors in TABLE.items():
        for error, texts in errors.items():
            for text, calls in texts.items():
                for call in calls:
                    ((operation, parameters),) = call.items()
                    yield pytest.param(
                        operation,
                        USUAL.get(operation, {}) | parameters,
                        *(error, text),
                        id=f"{operation}: {text[:60]}",
                        marks=pytest.mark.fact(source),
                    )


@pytest.fixture(scope="module")
def names(lambda_client, client_of, role_arn, arn_of):
    """
    What stands in <>: ``name`` is a function with two versions, an alias "live" of the
    first, a tag, a URL, and a permission "s3" for each; ``bare`` has only the tag.
    """
    with own_names(lambda_client, client_of("logs")) as new_name:
        name, bare = new_name(), new_name()
        for each in (name, bare):
            request = request_for(each, ECHO, Role=role_arn, Tags={"first": ""})
            create_function(lambda_client, request)
            lambda_client.get_waiter("function_active_v2").wait(FunctionName=each)
        for version in ("1", "2"):
            lambda_client.update_function_configuration(
                FunctionName=name, Description=version
            )
            lambda_client.get_waiter("function_updated_v2").wait(FunctionName=name)
            lambda_client.publish_version(FunctionName=name)
        lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        lambda_client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
        for qualified in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
            permit(lambda_client, name, "s3", **qualified)
        shown = lambda_client.get_function_configuration(FunctionName=name)
        yield {
            "name": name,
            "bare": bare,
            "arn": arn_of(""),  # without the name
            "role": role_arn,
            "sha256": shown["CodeSha256"],
        }


def filled(template, names):
    """Return parameters or a text with what stands in <>; <9> is nine characters."""
    if isinstance(template, dict):
        return {key: filled(item, names) for key, item in template.items()}
    if not isinstance(template, str):
        return template
    if template.strip("<>") in VALUES:
        return VALUES[template.strip("<>")]
    text = re.sub(r"<(\d+)>", lambda found: "n" * int(found[1]), template)
    return re.sub(r"<(\w+)>", lambda found: names[found[1]], text)


def check(client, operation, parameters, error, text):
    """Check how a call is refused."""
    status, code, message = refused(getattr(client, operation), **parameters)
    pattern = ".*".join(map(re.escape, text.split("...")))

    assert f"{status} {code}" == error
    assert re.fullmatch(pattern, message, re.DOTALL), message


@pytest.mark.parametrize(("operation", "parameters", "error", "text"), list(rows()))
def test_a_call_is_refused(unchecked_client, names, operation, parameters, error, text):
    qualifier = parameters.get("Qualifier", "")
    call = {
        name: filled(value, names)
        for name, value in parameters.items()
        if value is not None
    }
    expected = filled(text, names | {"Qualifier": qualifier})
    check(unchecked_client, operation, call, error, expected)


def zeros(size):
    """Return a zip of a file of zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * size)
    return buffer.getvalue()


@pytest.mark.fact(SIZES)
@pytest.mark.parametrize(
    ("content", "error", "text"),
    [
        (
            lambda: b"\0" * (limits.limit("zip_bytes").most + 1),
            "413 RequestEntityTooLargeException",
            "Zipped size must be smaller than 52428800 bytes",
        ),
        (
            lambda: zeros(limits.limit("unzipped_bytes").most + 1),
            "400 InvalidParameterValueException",
            "Unzipped size must be smaller than 262144000 bytes",
        ),
        (
            lambda: b"\0" * 52_625_500,
            "413 RequestEntityTooLargeException",
            (
                "Request must be smaller than 70167211 bytes for the CreateFunction "
                "operation"
            ),
        ),
    ],
    ids=["zipped", "unzipped", "the request"],
)
def test_code_has_limits(lambda_client, role_arn, content, error, text):
    """On AWS this uploads 70 MB, twice."""
    request = request_for(NEW, ECHO, Role=role_arn) | {"Code": {"ZipFile": content()}}
    check(lambda_client, "create_function", request, error, text)


@pytest.mark.fact(SIZES)
def test_variables_have_4_kb_at_most(lambda_client, deploy, role_arn):
    fits = {"KEY": "x" * (4096 - len('{"KEY":""}'))}
    name = deploy(ECHO, Environment={"Variables": fits})
    shown = lambda_client.get_function_configuration(FunctionName=name)
    too_long = {"Variables": {"KEY": fits["KEY"] + "x"}}
    request = request_for(NEW, ECHO, Role=role_arn, Environment=too_long)
    text = (
        "Lambda was unable to configure your environment variables because the "
        "environment variables you have provided exceeded the 4KB limit. String "
        'measured: {"KEY":"xxx...'
    )

    check(
        lambda_client,
        "create_function",
        request,
        "400 InvalidParameterValueException",
        text,
    )
    assert shown["Environment"]["Variables"] == fits
