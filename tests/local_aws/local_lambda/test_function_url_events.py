"""Function URLs: who reaches them, and how the event tells what arrives."""

import asyncio
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp
import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lambda_functions import ECHO
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


def by_aiohttp(url):
    async def get():
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.read()

    return asyncio.run(get())


def by_botocore(url):
    return URLLib3Session().send(AWSRequest("GET", url).prepare()).content


@pytest.mark.parametrize("get", [by_aiohttp, by_botocore])
def test_clients_reach_a_url_without_tricks(paths, get):
    assert get(paths + "a/b?c") == b"/a/b"


def test_an_event_tells_the_headers_and_the_place_of_a_request(deploy):
    authority = urlsplit(deploy(ECHO).open_url()).netloc
    caller = http.client.HTTPConnection(authority, timeout=30)
    caller.putrequest("PATCH", "/a?y&z=a+b", skip_accept_encoding=True)
    for name, text in [
        ("X-Twice", "1"),
        ("x-twice", "2"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("Authorization", "Bearer x"),
        ("Connection", "close"),
    ]:
        caller.putheader(name, text)
    caller.endheaders()
    event = json.loads(caller.getresponse().read())
    caller.close()
    context = event["requestContext"]
    moment = datetime.strptime(context["time"], "%d/%b/%Y:%H:%M:%S %z")

    assert abs(context["timeEpoch"] / 1000 - moment.timestamp()) < 2
    assert event["queryStringParameters"] == {"y": "", "z": "a b"}
    assert event["headers"].pop("x-amzn-trace-id").startswith("Root=1-")
    assert event["headers"] == {
        "host": authority,
        "x-twice": "1,2",
        "authorization": "Bearer x",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": authority.rpartition(":")[2],
        "x-forwarded-proto": "http",
    }
    assert len(context["apiId"]) == 32
    assert context["domainName"] == authority
    assert context["http"] == {
        "method": "PATCH",
        "path": "/a",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": None,
    }


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


@pytest.mark.parametrize(("size", "status"), [(4_000_000, 200), (4_800_000, 413)])
def test_a_request_is_too_large_if_the_event_it_makes_is(bounce, size, status):
    """Base64 makes a third more of what is not text."""
    told, _, body = fetch(bounce, bytes(size), Content_Type="image/png")

    assert told == status
    assert len(body) == size or b"Request must be smaller than 6291456" in body
