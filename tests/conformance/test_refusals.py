"""Refusals of Lambda, word for word: the calls of ``refusals.yaml``."""

import io
import re
import uuid
import zipfile
from pathlib import Path

import pytest
import yaml
from botocore.config import Config
from tests.conformance.own_functions import PREFIX
from tests.support.lambda_api import PLAIN, layers_of, refused
from tests.support.lambda_functions import ECHO, request_for, zipped
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
def unchecked_client(client_of):
    """A client that sends what boto3 would refuse by itself."""
    unchecked = PLAIN.merge(Config(parameter_validation=False))
    return client_of("lambda", config=unchecked)


@pytest.fixture(scope="module")
def names(deploy_for_all, role_arn, arn_of):
    """
    What stands in <>: ``name`` is a function with two versions, an alias "live" of the
    first, a tag, a URL, and a permission "s3" for each; ``bare`` has only the tag.
    """
    name, bare = (deploy_for_all(ECHO, Tags={"first": ""}) for _ in range(2))
    for version in ("1", "2"):
        name.update(Description=version)
        name.publish_version()
    name.alias("live", "1")
    name.url("AWS_IAM")
    for qualified in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        permit(name.client, name, "s3", **qualified)
    return {
        "name": name,
        "bare": bare,
        "arn": arn_of(""),  # without the name
        "role": role_arn,
        "sha256": name.shown()["CodeSha256"],
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


@pytest.fixture
def publish_layer(lambda_client):
    with layers_of(lambda_client) as publish:
        yield publish


@pytest.fixture(scope="module")
def all_but_a_byte():
    """A zip that nearly fills what code may take unzipped."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("zeros", b"\0" * (limits.limit("unzipped_bytes").most - 1))
    return buffer.getvalue()


def with_two_more(content):
    """Return a zip with a file of two bytes more."""
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("two", b"\0\0")
    return buffer.getvalue()


@pytest.mark.fact(SIZES)
def test_code_has_limits(on_aws, lambda_client, role_arn, all_but_a_byte):
    """
    On AWS this uploads 70 MB, twice; tests/local_aws only announces such a request.
    """
    too_large = "413 RequestEntityTooLargeException"
    refusals = [
        (
            b"\0" * (limits.limit("zip_bytes").most + 1),
            too_large,
            "Zipped size must be smaller than 52428800 bytes",
        ),
        (
            with_two_more(all_but_a_byte),
            "400 InvalidParameterValueException",
            "Unzipped size must be smaller than 262144000 bytes",
        ),
    ]
    if on_aws:
        operation = "the CreateFunction operation"
        text = f"Request must be smaller than 70167211 bytes for {operation}"
        refusals.append((b"\0" * 52_625_500, too_large, text))
    for content, error, text in refusals:
        code = {"Code": {"ZipFile": content}}
        wanted = request_for(NEW, ECHO, Role=role_arn) | code
        check(lambda_client, "create_function", wanted, error, text)


@pytest.mark.fact(
    "aws/chalice#2081, bento-video/bento#1 and serverless/serverless#8313: the texts"
)
def test_code_and_layers_have_250_mb_together(
    lambda_client, names, role_arn, publish_layer, all_but_a_byte
):
    """Which text it is depends on what comes to what: layers, code, layers to code."""
    most = limits.limit("unzipped_bytes").most
    large, small = (
        publish_layer(f"{PREFIX}{uuid.uuid4().hex[:8]}", content)["LayerVersionArn"]
        for content in (all_but_a_byte, VALUES["zip"])
    )
    new = request_for(NEW, ECHO, Role=role_arn, Layers=[large])
    change = {"FunctionName": names["bare"], "Layers": [large]}
    for operation, call, text in (
        (
            "create_function",
            new | {"Layers": [large, small]},
            f"Layers consume more than the available size of {most} bytes",
        ),
        ("create_function", new, "Unzipped size must be smaller than 1 bytes"),
        (
            "update_function_configuration",
            change,
            (
                "Function code combined with layers exceeds the maximum allowed size "
                f"of {most} bytes. The actual size is {most - 1 + len(ECHO)} bytes."
            ),
        ),
    ):
        error = "400 InvalidParameterValueException"
        check(lambda_client, operation, call, error, text)


@pytest.mark.fact(SIZES)
def test_variables_may_have_4_kb(deploy):
    fits = {"KEY": "x" * (4096 - len('{"KEY":""}'))}
    shown = deploy(ECHO, Environment={"Variables": fits}).shown()

    assert shown["Environment"]["Variables"] == fits
