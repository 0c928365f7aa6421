"""Function URLs: who reaches them, and how the event tells what arrives."""

import asyncio
import http.client
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lambda_api import ECHO
from tests.support.urllib_http import fetch

# What came, byte for byte: how the event tells it must not lose anything.
BOUNCE = """
import base64
def run(event, context):
    body = event.get("body", "")
    if not event["isBase64Encoded"]:
        body = base64.b64encode(body.encode()).decode()
    return {"statusCode": 200, "body": body, "isBase64Encoded": True}
"""


@pytest.fixture(scope="module")
def bounce(deploy_for_all):
    return deploy_for_all(BOUNCE).open_url()


@pytest.fixture(scope="module")
def paths(deploy_for_all):
    """The URL of a function that returns the path it is called at."""
    code = "def run(event, context): return event['rawPath']\n"
    return deploy_for_all(code).open_url()


def by_urllib(url):
    return fetch(url)[2]


def by_aiohttp(url):
    async def get():
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.read()

    return asyncio.run(get())


def by_botocore(url):
    return URLLib3Session().send(AWSRequest("GET", url).prepare()).content


def by_curl(url):
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    return subprocess.check_output(["curl", "-sS", url])


@pytest.mark.parametrize("get", [by_urllib, by_aiohttp, by_botocore, by_curl])
def test_every_client_reaches_a_url_without_tricks(paths, get):
    assert get(paths + "a/b?c") == b"/a/b"


def test_an_event_tells_all_of_a_request_and_of_its_place(deploy):
    url = deploy(ECHO).open_url()
    authority = urlsplit(url).netloc
    caller = http.client.HTTPConnection(authority, timeout=30)
    caller.putrequest("PATCH", "/a%2Fb//c?x=1&x=%26&y&z=a+b", skip_accept_encoding=True)
    for name, text in [
        ("X-Twice", "1"),
        ("x-twice", "2"),
        ("Cookie", "a=1; b=2"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("Authorization", "Bearer x"),
        ("Connection", "close"),
        ("Content-Type", "application/json"),
        ("Content-Length", "4"),
    ]:
        caller.putheader(name, text)
    caller.endheaders(b'"\xc3\xbc"')
    answer = caller.getresponse()
    event = json.loads(answer.read())
    caller.close()
    context = event["requestContext"]
    moment = datetime.strptime(context["time"], "%d/%b/%Y:%H:%M:%S %z")
    port = authority.rpartition(":")[2]

    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert abs(context["timeEpoch"] / 1000 - moment.timestamp()) < 2
    assert len(context["apiId"]) == 32
    assert event["headers"].pop("x-amzn-trace-id").startswith("Root=1-")
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a%2Fb//c",
        "rawQueryString": "x=1&x=%26&y&z=a+b",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": authority,
            "x-twice": "1,2",
            "cookie": "a=1; b=2",
            "authorization": "Bearer x",
            "content-type": "application/json",
            "content-length": "4",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": port,
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"x": "1,&", "y": "", "z": "a b"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": context["apiId"],
            "domainName": authority,
            "domainPrefix": context["apiId"],
            "http": {
                "method": "PATCH",
                "path": "/a%2Fb//c",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": None,
            },
            "requestId": answer.headers["x-amzn-RequestId"],
            "routeKey": "$default",
            "stage": "$default",
            "time": context["time"],
            "timeEpoch": context["timeEpoch"],
        },
        "body": '"ü"',
        "isBase64Encoded": False,
    }


def test_the_function_knows_the_request_by_the_same_id_and_its_own_arn(deploy):
    function = deploy(
        "def run(event, context):\n"
        "    return [context.aws_request_id, context.invoked_function_arn]\n"
    )
    _, headers, body = fetch(function.open_url())

    assert json.loads(body) == [
        headers["x-amzn-RequestId"],
        function.shown()["FunctionArn"],
    ]


@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(
        ["", "text/plain", "application/json", "image/png", "text/html;charset=latin-1"]
    ),
)
def test_every_body_arrives_whole(bounce, body, kind):
    status, _, answered = fetch(bounce, body, "PUT", Content_Type=kind)

    assert (status, answered) == (200, body)


def test_a_body_in_chunks_arrives_too(bounce):
    status, _, body = fetch(bounce, iter([b"ab", b"c"]), "POST", Content_Type="a/b")

    assert (status, body) == (200, b"abc")


def test_head_runs_the_function_and_leaves_out_the_body(bounce):
    status, _, body = fetch(bounce, method="HEAD")

    assert (status, body) == (200, b"")


def test_a_hundred_callers_are_served_at_once(paths):
    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(lambda n: fetch(f"{paths}{n}"), range(100)))

    assert [body for _, _, body in answers] == [b"/%d" % n for n in range(100)]


def test_too_large_a_request_is_refused_by_the_event_it_makes(bounce):
    """Base64 makes a third more of what is not text."""
    data = bytes(4_800_000)
    status, headers, body = fetch(bounce, data, Content_Type="image/png")

    assert status == 413
    assert headers["x-amzn-ErrorType"] == "RequestEntityTooLargeException"
    assert json.loads(body)["Message"].startswith(
        "Request must be smaller than 6291456"
    )


def test_four_megabytes_of_anything_arrive(bounce):
    status, _, body = fetch(bounce, bytes(4_000_000), Content_Type="image/png")

    assert (status, len(body)) == (200, 4_000_000)
