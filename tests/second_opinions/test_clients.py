"""Others' clients of Lambda get through to the local endpoint."""

import json
import os
import re
from pathlib import Path

import pytest
from tests.support import others

pytestmark = pytest.mark.soak
ROLE = "arn:aws:iam::123456789012:role/worker"
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(scope="module")
def environ(endpoint):
    """What a user of the endpoint has in the environment."""
    keys = endpoint.keys.environ()
    return keys | {
        "AWS_ENDPOINT_URL": endpoint.endpoint_url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }


@pytest.fixture
def aws_lambda(tmp_path, environ):
    """Run the AWS CLI's commands of Lambda; return its answer."""
    command = [others.program("aws"), "--output", "json", "lambda"]

    def aws_lambda(*arguments):
        said = others.run([*command, *arguments], tmp_path, **environ)
        return json.loads(said or "null")

    return aws_lambda


def test_the_aws_cli_makes_a_function_calls_it_and_removes_it(
    aws_lambda, tmp_path, zip_of
):
    code = tmp_path / "code.zip"
    code.write_bytes(zip_of("def handler(event, context):\n    return event\n"))
    event = tmp_path / "event.json"
    event.write_text('{"a": 1}')
    name = ("--function-name", "by-the-cli")
    settings = ["--role", ROLE, "--runtime", "python3.13", "--handler", "main.handler"]
    aws_lambda("create-function", *name, *settings, "--zip-file", f"fileb://{code}")
    aws_lambda("wait", "function-active-v2", *name)
    answer = tmp_path / "answer"
    aws_lambda("invoke", *name, "--payload", f"fileb://{event}", str(answer))
    assert json.loads(answer.read_text()) == {"a": 1}

    aws_lambda("update-function-configuration", *name, "--memory-size", "256")
    aws_lambda("wait", "function-updated-v2", *name)
    published = aws_lambda("publish-version", *name)["Version"]
    aws_lambda("create-alias", *name, "--name", "live", "--function-version", "1")
    for listing in (
        *("list-functions", "list-layers", "list-event-source-mappings"),
        *("list-code-signing-configs", "get-account-settings"),
    ):
        assert aws_lambda(listing)
    for shown in (
        *("get-function", "list-versions-by-function", "list-aliases"),
        *("get-function-code-signing-config", "get-runtime-management-config"),
        *("list-provisioned-concurrency-configs", "get-function-recursion-config"),
    ):
        assert aws_lambda(shown, *name)
    aws_lambda("create-function-url-config", *name, "--auth-type", "AWS_IAM")
    aws_lambda("delete-function", *name)

    assert published == "1"


def test_the_aws_cli_moves_files_in_s3(tmp_path, environ):
    program, file = others.program("aws"), tmp_path / "a b.bin"
    file.write_bytes(os.urandom(20_000_000))  # in parts
    for arguments in (
        ("mb", "s3://by-the-cli"),
        ("cp", str(file), "s3://by-the-cli/in/a b.bin"),
        ("sync", "s3://by-the-cli/in", str(tmp_path / "out")),
        ("rb", "s3://by-the-cli", "--force"),
    ):
        others.run([program, "s3", *arguments], tmp_path, **environ)

    assert (tmp_path / "out" / "a b.bin").read_bytes() == file.read_bytes()


def test_chalice_deploys_and_its_function_answers(tmp_path, environ):
    chalice = others.program("chalice")
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text(
        json.dumps({"version": "2.0", "app_name": "hello", "stages": {"dev": {}}})
    )
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "app.py").write_text(
        "from chalice import Chalice\n"
        "app = Chalice(app_name='hello')\n"
        "@app.lambda_function()\n"
        "def greet(event, context):\n"
        "    return {'hello': event['name']}\n"
    )
    said = others.run([chalice, "deploy"], tmp_path, **environ)
    (tmp_path / "event.json").write_text('{"name": "you"}')
    with (tmp_path / "event.json").open() as event:
        answer = others.run(
            [chalice, "invoke", "--name", "greet"], tmp_path, stdin=event, **environ
        )
    others.run([chalice, "delete"], tmp_path, **environ)

    assert "Lambda ARN" in said
    assert json.loads(answer) == {"hello": "you"}


def test_the_sdk_for_javascript_makes_a_function_calls_it_and_removes_it(
    tmp_path, environ, zip_of
):
    node, sdk = others.program("node"), others.npm_package("@aws-sdk/client-lambda")
    code = tmp_path / "code.zip"
    code.write_bytes(zip_of("def handler(event, context):\n    return event\n"))
    script = str(SUPPORT / "sdk_for_javascript.mjs")
    said = json.loads(others.run([node, script, sdk, code], tmp_path, **environ))

    assert said["answer"] == {"a": "ü"}
    assert "\nREPORT RequestId: " in said["log"]
    assert said["event"] == 202
    assert said["streamed"][1] == 501  # AWS's client for Python cannot stream
    assert said["gone"] == ["ResourceNotFoundException", 404]
    assert sorted([*said["left"], "by-the-sdk"]) == sorted(said["listed"])


def test_lithops_maps_a_hundred_calls(tmp_path, environ, target):
    python = Path(others.program("lithops")).with_name("python")
    target.client("s3").create_bucket(Bucket="lithops")
    said = others.run(
        [str(python), str(SUPPORT / "lithops_map.py")],
        tmp_path,
        HOME=str(tmp_path),
        **environ,
    )

    assert re.search("^mapped 100$", said, re.MULTILINE), said
