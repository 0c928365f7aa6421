"""Function URLs: made, changed, listed, and gone with what they belong to."""

import asyncio
import contextlib
import http.client
import json
import sys
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psutil
import pytest
from tests.support.child_processes import alive
from tests.support.lambda_api import connect, create, eventually, running
from tests.support.lambda_functions import DETACH, ECHO, GATE
from tests.support.urllib_http import fetch

from local_aws.local_lambda.api import function_urls
from local_aws.local_lambda.errors import LambdaError
from local_aws.local_lambda.requests.service_model import Call


def test_a_url_goes_with_its_configuration_and_with_its_function(deploy):
    function = deploy(ECHO)
    first = function.open_url()
    function.delete_function_url_config()
    second = function.url()
    answered, _, _ = fetch(second)
    function.delete_function()

    assert answered == 200
    for url in (first, second):
        with pytest.raises(urllib.error.URLError):
            fetch(url)
    assert function.refused("get_function_url_config")[0] == 404


def test_a_connection_that_is_still_open_is_told_that_the_url_is_gone(deploy):
    function = deploy(ECHO)
    caller = http.client.HTTPConnection(
        urlsplit(function.open_url()).netloc, timeout=30
    )
    caller.request("GET", "/")
    before = caller.getresponse()
    before.read()
    function.delete_function_url_config()
    caller.request("GET", "/")
    after = caller.getresponse()

    assert (before.status, after.status) == (200, 403)
    assert after.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert json.loads(after.read()) == {"Message": None}
    caller.close()


def test_a_request_under_way_outlives_its_url(deploy, shared_folder):
    take_header = "def take(event, context): return run(event['headers']['gate'], 0)\n"
    function = deploy(GATE + take_header, Handler="app.take", Timeout=30)
    url, gate = function.open_url(), shared_folder / "gate"
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(fetch, url, Gate=str(gate))
        eventually(gate.with_suffix(".entered").exists)
        function.delete_function()
        gate.touch()

        assert answer.result()[0] == 200


def test_the_url_of_an_alias_runs_what_the_alias_stands_for_under_one_id(deploy):
    function = deploy(
        "def run(event, c):\n"
        "    return [c.function_version, c.invoked_function_arn, c.aws_request_id]\n"
    )
    function.publish_version()
    function.alias("live", "1")
    url = function.open_url(Qualifier="live")
    _, headers, body = fetch(url)
    version, arn, request_id = json.loads(body)
    function.update_alias(Name="live", FunctionVersion="$LATEST")
    later, *_ = json.loads(fetch(url)[2])
    shown = function.get_function_url_config(Qualifier="live")

    assert (version, later) == ("1", "$LATEST")
    assert arn == shown["FunctionArn"]
    assert request_id == headers["x-amzn-RequestId"]
    assert arn.endswith(f":{function}:live")


def test_an_update_holds_at_once_and_at_the_same_address(deploy):
    function = deploy(ECHO)
    function.let_anybody_in()
    url = function.url("AWS_IAM")
    before, _, _ = fetch(url)
    function.update_function_url_config(AuthType="NONE")

    assert (before, fetch(url)[0]) == (403, 200)


def test_of_many_that_create_a_url_at_once_one_does(aws, deploy):
    def listeners():
        sockets = psutil.Process().net_connections("tcp")
        return sum(each.status == psutil.CONN_LISTEN for each in sockets)

    async def race():
        parameters = {"FunctionName": wanted, "AuthType": "NONE"}
        call = Call("CreateFunctionUrlConfig", parameters, "us-east-1")
        registry = aws._lambda._registry
        calls = [function_urls.create(registry, call) for _ in range(8)]
        return await asyncio.gather(*calls, return_exceptions=True)

    wanted = deploy(ECHO)
    before = listeners()
    made = asyncio.run_coroutine_threadsafe(race(), aws.loop).result(30)
    refusals = [each for each in made if isinstance(each, LambdaError)]

    assert len(made) - len(refusals) == listeners() - before == 1
    assert {each.code for each in refusals} == {"ResourceConflictException"}


def test_a_stopped_endpoint_answers_who_waits_and_leaves_no_url_and_no_process(
    shared_folder,
):
    file = shared_folder / "pids"
    take_event = (
        "def take(event, context):\n"
        f"    run({{'file': {str(file)!r}, 'end': 'time.sleep(60)'}}, context)\n"
    )
    with ThreadPoolExecutor(1) as thread:
        with running() as aws, contextlib.closing(connect(aws)) as client:
            settings = {"Handler": "app.take", "Timeout": 90}
            url = create(client, "waits", DETACH + take_event, **settings).open_url()
            answer = thread.submit(fetch, url)
            eventually(lambda: file.exists() and len(file.read_text().split()) == 2)
            pids = list(map(int, file.read_text().split()))
            lived = all(map(alive, pids))
        status, _, _ = answer.result()

    assert status == 503
    assert lived
    assert sys.platform != "linux" or not any(map(alive, pids))
    with pytest.raises(urllib.error.URLError):
        fetch(url)
