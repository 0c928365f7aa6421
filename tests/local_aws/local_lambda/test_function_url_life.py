"""Function URLs: made, changed, listed, and gone with what they belong to."""

import asyncio
import contextlib
import http.client
import json
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psutil
import pytest
from tests.support.lambda_api import (
    ECHO,
    connect,
    create,
    eventually,
    let_anybody_in,
    open_url,
    refused,
    request_for,
    running,
)
from tests.support.urllib_http import fetch

from local_aws.local_lambda.api import function_urls
from local_aws.local_lambda.errors import LambdaError
from local_aws.local_lambda.requests.service_model import Call
from local_aws.server import LocalAws


def test_a_url_goes_with_its_configuration_and_with_its_function(client, deploy):
    name = deploy(ECHO)
    first = open_url(client, name)
    client.delete_function_url_config(FunctionName=name)
    second = client.create_function_url_config(FunctionName=name, AuthType="NONE")[
        "FunctionUrl"
    ]
    answered, _, _ = fetch(second)
    client.delete_function(FunctionName=name)

    assert answered == 200
    for url in (first, second):
        with pytest.raises(urllib.error.URLError):
            fetch(url)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function_url_config(FunctionName=name)


def test_a_connection_that_is_still_open_is_told_that_the_url_is_gone(client, deploy):
    name = deploy(ECHO)
    url = open_url(client, name)
    caller = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    caller.request("GET", "/")
    before = caller.getresponse()
    before.read()
    client.delete_function_url_config(FunctionName=name)
    caller.request("GET", "/")
    after = caller.getresponse()

    assert (before.status, after.status) == (200, 403)
    assert after.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(after.read()) == {"Message": None}
    caller.close()


def test_a_request_under_way_outlives_its_url(client, deploy, shared_folder):
    code = (
        "import pathlib, time\n"
        "def run(event, context):\n"
        "    gate = pathlib.Path(event['headers']['gate'])\n"
        "    gate.with_suffix('.entered').touch()\n"
        "    while not gate.exists(): time.sleep(0.01)\n"
        "    return 'done'\n"
    )
    name = deploy(code, Timeout=30)
    url = open_url(client, name)
    gate = shared_folder / "gate"
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(fetch, url, Gate=str(gate))
        eventually(gate.with_suffix(".entered").exists)
        client.delete_function(FunctionName=name)
        gate.touch()

        assert answer.result()[2] == b"done"


def test_the_url_of_an_alias_runs_what_the_alias_stands_for(client, deploy):
    code = (
        "def run(event, context):\n"
        "    return [context.function_version, context.invoked_function_arn]\n"
    )
    name = deploy(code)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    url = open_url(client, name, qualifier="live")
    version, arn = json.loads(fetch(url)[2])
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    later, _ = json.loads(fetch(url)[2])
    shown = client.get_function_url_config(FunctionName=name, Qualifier="live")

    assert (version, later) == ("1", "$LATEST")
    assert arn == shown["FunctionArn"]
    assert arn.endswith(f":{name}:live")


def test_an_update_holds_at_once_and_at_the_same_address(client, deploy):
    name = deploy(ECHO)
    let_anybody_in(client, name)
    url = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    before, _, _ = fetch(url["FunctionUrl"])
    client.update_function_url_config(FunctionName=name, AuthType="NONE")
    after, _, _ = fetch(url["FunctionUrl"])

    assert (before, after) == (403, 200)


def test_urls_are_listed_in_pages(client, deploy):
    name = deploy(ECHO)
    client.publish_version(FunctionName=name)
    for alias in (None, "a", "b"):
        qualified = {"Qualifier": alias} if alias else {}
        if alias:
            client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
        client.create_function_url_config(
            FunctionName=name, AuthType="NONE", **qualified
        )
    pages = list(
        client.get_paginator("list_function_url_configs").paginate(
            FunctionName=name, PaginationConfig={"PageSize": 2}
        )
    )
    listed = [
        url["FunctionUrl"] for page in pages for url in page["FunctionUrlConfigs"]
    ]

    assert [len(page["FunctionUrlConfigs"]) for page in pages] == [2, 1]
    assert len(set(listed)) == 3


def test_of_many_that_create_a_url_at_once_one_does():
    def make_function(aws):
        with contextlib.closing(connect(aws)) as client:
            client.create_function(**request_for("wanted", ECHO))

    def listeners():
        sockets = psutil.Process().net_connections("tcp")
        return sum(each.status == psutil.CONN_LISTEN for each in sockets)

    async def race():
        async with LocalAws() as aws:
            await asyncio.to_thread(make_function, aws)
            registry = aws._lambda._registry
            before = listeners()
            parameters = {"FunctionName": "wanted", "AuthType": "NONE"}
            call = Call("CreateFunctionUrlConfig", parameters, "us-east-1")
            calls = [function_urls.create(registry, call) for _ in range(8)]
            made = await asyncio.gather(*calls, return_exceptions=True)
            return made, listeners() - before

    made, listening = asyncio.run(race())
    refusals = [each for each in made if isinstance(each, LambdaError)]

    assert len(made) - len(refusals) == listening == 1
    assert {each.code for each in refusals} == {"ResourceConflictException"}


@pytest.mark.parametrize("operation", ["create", "update"])
def test_streaming_is_refused_in_plain_words(client, deploy, operation):
    name = deploy(ECHO)
    if operation == "update":
        client.create_function_url_config(FunctionName=name, AuthType="NONE")
    status, code, message = refused(
        getattr(client, f"{operation}_function_url_config"),
        FunctionName=name,
        AuthType="NONE",
        InvokeMode="RESPONSE_STREAM",
    )

    assert (status, code) == (501, "NotImplementedException")
    assert message.startswith("InvokeMode RESPONSE_STREAM is not modelled")


def test_a_stopped_endpoint_answers_waiting_callers_and_leaves_no_url(shared_folder):
    entered = shared_folder / "entered"
    code = (
        "import pathlib, time\n"
        "def run(event, context):\n"
        f"    pathlib.Path({str(entered)!r}).touch()\n"
        "    time.sleep(60)\n"
    )
    with ThreadPoolExecutor(1) as thread:
        with running() as aws, contextlib.closing(connect(aws)) as client:
            create(client, "waits", code, Timeout=90)
            url = open_url(client, "waits")
            answer = thread.submit(fetch, url)
            eventually(entered.exists)
        status, _, _ = answer.result()

    assert status == 503
    with pytest.raises(urllib.error.URLError):
        fetch(url)
